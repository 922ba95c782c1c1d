import type { Profile } from "../api/types";
import { Avatar } from "../parts/avatar";
import { memo } from "../parts/memo";
import { TimeAt } from "../parts/time";
import { hrefOf } from "../router";
import { t } from "../texts";
import { active, anchor, select, selectTo } from "./state";

interface Props {
  profile: Profile;
  index: number;
  seen: number; // when: times are drawn anew with it
  current: boolean;
  chosen: boolean;
}

export const Row = memo(function Row({ profile, index, current, chosen }: Props) {
  function onClick(event: MouseEvent): void {
    active.value = { index, id: profile.id };
    if (!event.shiftKey) anchor.value = active.value;
    else {
      selectTo(index);
      if (event.target instanceof HTMLInputElement) event.target.checked = true;
      else event.preventDefault(); // a link would open a window
    }
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
        <TimeAt at={profile.created_at} />
      </span>
      <span role="gridcell" class="updated">
        <TimeAt at={profile.updated_at} />
      </span>
    </div>
  );
});
