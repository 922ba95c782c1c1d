import type { Profile } from "../api/types";
import { Avatar } from "../parts/avatar";
import { memo } from "../parts/memo";
import { TimeAt } from "../parts/time";
import { hrefOf } from "../router";
import { t } from "../texts";
import { active, select } from "./state";

interface Props {
  profile: Profile;
  index: number;
  seen: number;
  current: boolean;
  chosen: boolean;
  anchor: { current: number };
  onRange: (from: number, to: number) => void;
}

export const Row = memo(function Row({ profile, index, seen, current, chosen, anchor, onRange }: Props) {
  function onClick(event: MouseEvent): void {
    active.value = index;
    if (event.shiftKey) {
      event.preventDefault();
      onRange(anchor.current, index);
    } else anchor.current = index;
  }
  return (
    <div
      id={`row-${profile.id}`}
      class={`row ${current ? "current" : ""} ${chosen ? "chosen" : ""}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={chosen}
      onClick={onClick}
    >
      <span role="gridcell" class="tick">
        <input
          type="checkbox"
          tabIndex={-1}
          checked={chosen}
          aria-label={t.list.select(profile.name)}
          onClick={(event) => {
            if (!event.shiftKey) select([profile], !chosen);
          }}
        />
      </span>
      <span role="gridcell" class="who">
        <Avatar profile={profile} />
        <a href={hrefOf("profile", profile.id)} tabIndex={-1} dir="auto">
          {profile.name}
        </a>
      </span>
      <span role="gridcell" class="email" dir="auto">
        {profile.email}
      </span>
      <span role="gridcell" class="created">
        <TimeAt at={profile.created_at} seen={seen} />
      </span>
      <span role="gridcell" class="updated">
        <TimeAt at={profile.updated_at} seen={seen} />
      </span>
    </div>
  );
});
