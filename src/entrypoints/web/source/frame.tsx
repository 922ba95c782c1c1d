/** The frame around the views. It is in the HTML too, so that it is seen before any script has come. */
import type { ComponentChildren } from "preact";
import { signOut, token } from "./api/session";
import { helping } from "./help";
import mark from "./icon.svg?raw";
import { Banners } from "./parts/banners";
import { Icon, type IconName } from "./parts/icon";
import { Notices } from "./parts/notices";
import { StatusLine } from "./parts/statusline";
import { hrefOf, type View } from "./router";
import { THEMES, theme } from "./settings";
import { t } from "./texts";

const TABS: { view: View; icon: IconName; others: View[] }[] = [
  { view: "profiles", icon: "people", others: ["profile"] },
  { view: "tasks", icon: "tasks", others: [] },
  { view: "system", icon: "system", others: [] },
];

/** `view` is null as long as nobody knows which one it will be. */
export function Frame({ view, children }: { view: View | null; children: ComponentChildren }) {
  return (
    <div class="app">
      <a class="skip" href="#content" onClick={toContent}>
        {t.skip}
      </a>
      <Side view={view} />
      <main id="content" tabIndex={-1}>
        <Banners />
        {children}
        <StatusLine />
      </main>
      <Notices />
    </div>
  );
}

function Side({ view }: { view: View | null }) {
  return (
    <header class="side">
      <p class="brand">
        {/* Not a picture: the browser makes a document of its own of one before it reads on. */}
        <span aria-hidden="true" dangerouslySetInnerHTML={{ __html: mark }} />
        {t.name}
      </p>
      <nav aria-label={t.views.label}>
        {TABS.map(({ view: tab, icon, others }) => {
          const here = view === tab || (view !== null && others.includes(view));
          return (
            <a key={tab} href={hrefOf(tab)} aria-current={here ? "page" : undefined}>
              <Icon name={icon} />
              {t.views[tab]}
            </a>
          );
        })}
      </nav>
      <div class="tools">
        <button type="button" class="plain square" title={t.theme[theme.value]} onClick={nextTheme}>
          <Icon name="theme" />
          <span class="only-read">{t.theme[theme.value]}</span>
        </button>
        <button type="button" class="plain square" title={t.help.open} onClick={() => (helping.value = true)}>
          <Icon name="help" />
          <span class="only-read">{t.help.open}</span>
        </button>
        {token.value !== null && (
          <button
            type="button"
            class="plain square"
            title={t.session.out}
            onClick={() => signOut(t.session.ended)}
          >
            <Icon name="leave" />
            <span class="only-read">{t.session.out}</span>
          </button>
        )}
      </div>
    </header>
  );
}

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
}

function toContent(event: MouseEvent): void {
  event.preventDefault(); // what follows the # is the view
  document.getElementById("content")?.focus();
}
