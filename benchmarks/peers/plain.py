"""Profiles with FastAPI, SQLAlchemy on asyncpg and redis-py, as their documentation teaches it.

A session for each request, models that validate and serialise, a cache that is read first and
written afterwards. It has no log, no tokens, no metrics and no lines of its own for each request.
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, EmailStr
from redis.asyncio import Redis
from sqlalchemy import DateTime, String, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TTL = 24 * 3600


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "plain_profiles"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    bio: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class NewProfile(BaseModel):
    name: str
    email: EmailStr
    bio: str = ""


class Profile(NewProfile):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    created_at: datetime


class Reading(BaseModel):
    profile: Profile
    source: str


engine = create_async_engine(os.environ["PLAIN_DATABASE"])
sessions = async_sessionmaker(engine, expire_on_commit=False)
redis = Redis.from_url(os.environ["PLAIN_REDIS"])


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/profiles", status_code=201)
async def create(new: NewProfile, session: Session) -> Profile:
    row = Row(**new.model_dump(), created_at=datetime.now(UTC))
    session.add(row)
    await session.commit()
    profile = Profile.model_validate(row)
    await redis.set(f"plain:{row.id}", profile.model_dump_json(), ex=TTL)
    return profile


@app.get("/profiles/{profile_id}")
async def read(profile_id: uuid.UUID, session: Session) -> Reading:
    cached = await redis.get(f"plain:{profile_id}")
    if cached is not None:
        return Reading(profile=Profile.model_validate_json(cached), source="cache")
    row = await session.get(Row, profile_id)
    if row is None:
        raise HTTPException(status_code=404)
    profile = Profile.model_validate(row)
    await redis.set(f"plain:{profile_id}", profile.model_dump_json(), ex=TTL)
    return Reading(profile=profile, source="database")


@app.get("/profiles")
async def index(session: Session, limit: int = 100) -> list[Profile]:
    rows = await session.scalars(select(Row).order_by(Row.created_at.desc()).limit(limit))
    return [Profile.model_validate(row) for row in rows]
