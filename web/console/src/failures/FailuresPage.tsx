import { Tabs } from "@mantine/core";
import { type ComponentType, useEffect, useRef } from "react";
import { useFilters } from "../ui/filters";
import { Page } from "../ui/Page";
import { Bypasses } from "./Bypasses";
import { Endpoints } from "./Endpoints";
import { Errors } from "./Errors";
import { Features } from "./Features";
import { Feed } from "./Feed";
import { Fixes } from "./Fixes";
import { Overview } from "./Overview";
import { Trials } from "./Trials";
import { Users } from "./Users";
import { FILTERS, VIEWS, type View } from "./views";

const SHOWN: Record<View, { label: string; Panel: ComponentType }> = {
  errors: { label: "Errors", Panel: Errors },
  endpoints: { label: "Endpoints", Panel: Endpoints },
  features: { label: "Features", Panel: Features },
  trials: { label: "Trials", Panel: Trials },
  bypasses: { label: "Bypasses", Panel: Bypasses },
  fixes: { label: "Fixes", Panel: Fixes },
  users: { label: "Users", Panel: Users },
  feed: { label: "Feed", Panel: Feed },
};

/** What fails, where, for whom and how slow: reports of what applications tell, and the events themselves. */
export default function FailuresPage() {
  const [{ view }, change] = useFilters(FILTERS);
  // What one report is narrowed to is nothing of another's.
  const show = (chosen: string | null) =>
    change({ view: VIEWS.find((each) => each === chosen), dimension: undefined, severity: undefined });
  const tabs = useRef<HTMLDivElement>(null);
  // On phones there are more of them than fit.
  useEffect(() => {
    const active = tabs.current?.querySelector(`[data-view="${view ?? "overview"}"]`);
    active?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }, [view]);
  const { Panel } = view ? SHOWN[view] : { Panel: Overview };
  return (
    <Page title="Failures">
      <Tabs value={view ?? "overview"} onChange={show}>
        <Tabs.List mb="md" ref={tabs}>
          <Tabs.Tab value="overview" data-view="overview">
            Overview
          </Tabs.Tab>
          {VIEWS.map((each) => (
            <Tabs.Tab key={each} value={each} data-view={each}>
              {SHOWN[each].label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={view ?? "overview"}>
          <Panel />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
