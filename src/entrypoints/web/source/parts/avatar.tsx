/** The picture that stands for a profile: its newest image, or its initials. */
import { useState } from "preact/hooks";
import type { Image, Profile } from "../api/types";
import { initials, lookOf } from "../format";
import { previewOf } from "../thumbhash";

const LOOKS = 8;

export function Avatar({ profile, large }: { profile: Pick<Profile, "id" | "name" | "images">; large?: boolean }) {
  const image = profile.images.at(-1);
  const size = large ? "avatar large" : "avatar";
  if (image === undefined)
    return (
      <span class={`${size} look-${lookOf(profile.id, LOOKS)}`} aria-hidden="true">
        {initials(profile.name)}
      </span>
    );
  return (
    <span class={size}>
      <Picture key={image.id} image={image} variant={large ? "medium" : "thumb"} alt="" />
    </span>
  );
}

interface PictureProps {
  image: Image;
  variant: "thumb" | "medium" | "large";
  alt: string;
}

/** An image with its blurred preview until it is there. */
export function Picture({ image, variant, alt }: PictureProps) {
  const [state, setState] = useState<"loading" | "there" | "missing">("loading");
  const file = image.variants[variant];
  return (
    <>
      {state !== "there" && <img class="preview" src={previewOf(image.thumbhash)} alt="" />}
      {state !== "missing" && file && (
        <img
          key={image.id}
          class={state === "there" ? "" : "hidden"}
          src={file.url}
          width={file.width}
          height={file.height}
          alt={alt}
          decoding="async"
          onLoad={() => setState("there")}
          onError={() => setState("missing")}
        />
      )}
    </>
  );
}
