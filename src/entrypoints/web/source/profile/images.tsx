/** The images of a profile: those that it has, and those on their way. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { deleteImage } from "../api/profiles";
import type { Image, Profile } from "../api/types";
import { Picture } from "../parts/avatar";
import { Icon } from "../parts/icon";
import { notifyFailure } from "../parts/notices";
import { t } from "../texts";
import { Tray } from "./tray";
import { Upload } from "./uploading";

interface Props {
  profile: Profile;
  locked: boolean;
  onChanged: () => void;
}

export function Images({ profile, locked, onChanged }: Props) {
  const uploads = useSignal<Upload[]>([]);
  const over = useSignal(false);
  const heading = useRef<HTMLHeadingElement>(null);

  function take(files: Iterable<File>): void {
    if (locked) return;
    const added = [...files].map((file) => new Upload(file));
    uploads.value = [...uploads.value, ...added];
    added.forEach((upload) => void upload.read());
  }
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0 || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      take(files);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, [locked]);
  useEffect(() => () => uploads.value.forEach((upload) => upload.close()), []);

  return (
    <section
      class={`images ${over.value ? "over" : ""}`}
      aria-labelledby="images"
      onDragOver={(event) => {
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={() => (over.value = false)}
      onDrop={(event) => {
        event.preventDefault();
        over.value = false;
        take(event.dataTransfer?.files ?? []);
      }}
    >
      <h2 id="images" ref={heading} tabIndex={-1}>{t.images.title}</h2>
      <ul class="gallery">
        {profile.images.toReversed().map((image, index) => (
          <Kept
            key={image.id}
            image={image}
            number={index + 1}
            profile={profile}
            locked={locked}
            onGone={() => heading.current?.focus()}
            onChanged={onChanged}
          />
        ))}
        <li>
          <label class="drop">
            <Icon name="upload" />
            <span>
              <b>{t.images.choose}</b> {t.images.drop}
            </span>
            <input
              type="file"
              multiple
              disabled={locked}
              accept="image/jpeg,image/png,image/webp"
              onChange={(event) => {
                take(event.currentTarget.files ?? []);
                event.currentTarget.value = "";
              }}
            />
          </label>
        </li>
      </ul>
      <Tray uploads={uploads} profile={profile.id} onChanged={onChanged} />
    </section>
  );
}

interface KeptProps {
  image: Image;
  number: number;
  profile: Profile;
  locked: boolean;
  onGone: () => void;
  onChanged: () => void;
}

function Kept({ image, number, profile, locked, onGone, onChanged }: KeptProps) {
  const asking = useSignal(false);
  const caption = useRef<HTMLElement>(null);
  /** Other buttons stand there then, and the first of them takes the focus of those that are gone. */
  function ask(on: boolean): void {
    asking.value = on;
    requestAnimationFrame(() => caption.current?.querySelector("button")?.focus());
  }
  async function remove(): Promise<void> {
    try {
      await deleteImage(profile.id, image.id, profile.version);
      if (caption.current?.contains(document.activeElement)) onGone();
    } catch (error) {
      notifyFailure(error);
    }
    onChanged();
  }
  return (
    <li>
      <figure>
        <a href={image.url} target="_blank" rel="noopener" aria-label={t.images.open(number)}>
          <Picture image={image} variant="medium" alt="" />
        </a>
        <figcaption ref={caption}>
          {image.width} × {image.height}
          {asking.value ? (
            <span class="sure">
              <button type="button" class="danger" onClick={() => void remove()}>
                {t.list.delete}
              </button>
              <button type="button" onClick={() => ask(false)}>
                {t.cancel}
              </button>
            </span>
          ) : (
            <button
              type="button"
              class="plain square"
              disabled={locked}
              aria-label={t.images.remove(number)}
              onClick={() => ask(true)}
            >
              <Icon name="trash" />
            </button>
          )}
        </figcaption>
      </figure>
    </li>
  );
}
