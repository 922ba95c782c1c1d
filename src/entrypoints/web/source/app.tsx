/** The frame around the views. */
import { useEffect } from "preact/hooks";
import { lastRead } from "./api/ask";
import { start } from "./api/live";
import { signedOut, signOut, token } from "./api/session";
import { Help, helping } from "./help";
import { listen } from "./keys";
import { Banners } from "./parts/banners";
import { Icon, type IconName } from "./parts/icon";
import { Notices } from "./parts/notices";
import { StatusLine } from "./parts/statusline";
import { ProfilePage } from "./profile/page";
import { ProfilesView } from "./profiles/view";
import { hrefOf, route, type View } from "./router";
import { THEMES, theme } from "./settings";
import { SignIn } from "./signin";
import { SystemView } from "./system/view";
import { watch } from "./system/watch";
import { TasksView } from "./tasks/view";
import { t } from "./texts";

const TABS: { view: View; icon: IconName; others: View[] }[] = [
  { view: "profiles", icon: "people", others: ["profile"] },
  { view: "tasks", icon: "tasks", others: [] },
  { view: "system", icon: "system", others: [] },
];

export function App() {
  useEffect(listen, []);
  useEffect(start, []);
  useEffect(watch, []);
  const { view, id } = route.value;
  useEffect(() => {
    document.title = `${t.views[view]} · ${t.name}`;
    lastRead.value = null;
  }, [view, id]);
  if (signedOut.value !== null)
    return (
      <>
        <Banners />
        <SignIn />
      </>
    );
  return (
    <div class="app">
      <a class="skip" href="#content" onClick={toContent}>
        {t.skip}
      </a>
      <Side view={view} />
      <main id="content" tabIndex={-1}>
        <Banners />
        {view === "profiles" && <ProfilesView />}
        {view === "profile" && <ProfilePage key={id} id={id} />}
        {view === "tasks" && <TasksView />}
        {view === "system" && <SystemView />}
        <StatusLine />
      </main>
      <Notices />
      {helping.value && <Help />}
    </div>
  );
}

function Side({ view }: { view: View }) {
  return (
    <header class="side">
      <p class="brand">
        <img src={new URL("./icon.svg", import.meta.url).href} alt="" width={22} height={22} />
        {t.name}
      </p>
      <nav aria-label={t.views.label}>
        {TABS.map(({ view: tab, icon, others }) => {
          const here = view === tab || others.includes(view);
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
