/** What is shown: a view in its frame, or the screen that asks who calls. */
import { useEffect } from "preact/hooks";
import { lastRead } from "./api/ask";
import { start } from "./api/live";
import { signedOut } from "./api/session";
import { Frame } from "./frame";
import { Help, helping } from "./help";
import { Banners } from "./parts/banners";
import { ProfilePage } from "./profile/page";
import { keepFresh } from "./profiles/state";
import { ProfilesView } from "./profiles/view";
import { route } from "./router";
import { SignIn } from "./signin";
import { SystemView } from "./system/view";
import { watch } from "./system/watch";
import { TasksView } from "./tasks/view";
import { t } from "./texts";

const FIRST = 500; // milliseconds in which what is shown first has the service to itself

export function App() {
  useEffect(() => {
    let ends: (() => void)[] = [];
    const timer = setTimeout(() => (ends = [start(), watch(), keepFresh()]), FIRST);
    return () => {
      clearTimeout(timer);
      ends.forEach((end) => end());
    };
  }, []);
  const { view, id } = route.value;
  useEffect(() => {
    document.title = `${t.views[view]} · ${t.name}`;
    return () => {
      lastRead.value = null;
    };
  }, [view, id]);
  if (signedOut.value !== null)
    return (
      <>
        <Banners />
        <SignIn />
      </>
    );
  return (
    <>
      <Frame view={view}>
        {view === "profiles" && <ProfilesView />}
        {view === "profile" && <ProfilePage key={id} id={id} />}
        {view === "tasks" && <TasksView />}
        {view === "system" && <SystemView />}
      </Frame>
      {helping.value && <Help />}
    </>
  );
}

