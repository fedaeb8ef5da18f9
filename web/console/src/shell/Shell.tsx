import { AppShell, Burger, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { lazy, Suspense, useEffect, useRef } from "react";
import { NavigationType, Outlet, useHref, useLocation, useNavigationType } from "react-router";
import { ActiveIncidents } from "./ActiveIncidents";
import { Broken } from "./Broken";
import { KeysHelp } from "./KeysHelp";
import mark from "./mark.svg";
import { Navigation } from "./Navigation";
import { SchemeSwitch } from "./SchemeSwitch";
import classes from "./Shell.module.css";

// Menus: a page is shown before anybody opens one.
const Account = lazy(() => import("./Account"));
const ProjectSwitch = lazy(() => import("./ProjectSwitch"));

/** What surrounds every page: navigation, the number of active incidents, who is signed in. */
export function Shell() {
  const [open, { toggle, close }] = useDisclosure();
  const { pathname, search } = useLocation();
  // Whole, as a fragment alone would be one of the document's base.
  const here = useHref({ pathname, search });
  const main = useNewPage(pathname);
  return (
    <AppShell
      layout="alt"
      header={{ height: 52 }}
      navbar={{ width: 212, breakpoint: "sm", collapsed: { mobile: !open } }}
      transitionDuration={120}
    >
      <a className={classes.skip} href={`${here}#main`}>
        Skip to the page
      </a>
      <AppShell.Header className={classes.header}>
        <Group h="100%" px={{ base: "sm", sm: "lg" }} justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Suspense>
              <ProjectSwitch />
            </Suspense>
          </Group>
          <Group gap={6} wrap="nowrap">
            <ActiveIncidents />
            <KeysHelp />
            <SchemeSwitch />
            <Suspense fallback={<span className={classes.account} />}>
              <Account />
            </Suspense>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar} aria-label="Pages" data-open={open}>
        <div className={classes.brand}>
          <img src={mark} alt="" width={22} height={22} />
          <span>Groundcrew</span>
          <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" ml="auto" aria-label="Close navigation" />
        </div>
        <Navigation onNavigate={close} />
      </AppShell.Navbar>
      <AppShell.Main ref={main} id="main" tabIndex={-1} className={classes.main}>
        <Broken key={pathname}>
          <Suspense>
            <Outlet />
          </Suspense>
        </Broken>
      </AppShell.Main>
    </AppShell>
  );
}

/** Begins a page at its top, with the focus on it, as a browser does that loads one; going back is the browser's. */
function useNewPage(pathname: string) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  const navigation = useNavigationType();
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    main.current?.focus({ preventScroll: true });
    if (navigation !== NavigationType.Pop) window.scrollTo(0, 0);
  }, [pathname, navigation]);
  return main;
}
