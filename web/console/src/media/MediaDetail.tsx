import { Anchor, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Info, TriangleAlert } from "lucide-react";
import { Link, useParams } from "react-router";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import type { MediaView } from "../api/schema";
import { useCarried } from "../shell/project";
import { Ago } from "../ui/Ago";
import { Callout } from "../ui/Callout";
import { Copy } from "../ui/Copy";
import { Detail } from "../ui/Detail";
import { Facts, Section } from "../ui/Facts";
import { JsonTree } from "../ui/JsonTree";
import { Live } from "../ui/Live";
import { bytes } from "../ui/numbers";
import { Page } from "../ui/Page";
import { Delete } from "./Delete";
import classes from "./MediaDetail.module.css";
import { Optimise } from "./Optimise";
import { Preview } from "./Preview";
import { StatusMark } from "./status";
import { Variants } from "./Variants";
import { incidentSearch } from "./variants";

const UP = { to: "/media", label: "Media" };

/** One media: what it shows, its files, whose it is, and what became of it. */
export default function MediaDetail() {
  const { id: media_id = "" } = useParams();
  const query = useQuery({
    queryKey: ["media", "detail", media_id],
    queryFn: ({ signal }) => answer(api.GET("/media/{media_id}", { params: { path: { media_id } }, signal })),
    refetchInterval: every(5),
  });
  return (
    <Detail query={query} what="media" up={UP} gone="It may have been deleted, or its upload was never finished.">
      {(media) => (
        <Page
          title={media.file_name}
          up={UP}
          aside={
            <Group gap="xs" wrap="nowrap">
              <Live query={query} />
              <Optimise media={media} size={30} />
              <Delete media={media} />
            </Group>
          }
        >
          {media.error && (
            <Callout tone="red" Icon={TriangleAlert}>
              {media.error}{" "}
              <Anchor component={Link} to={`/incidents${incidentSearch(media.error)}`} fz="sm" underline="always">
                Show its incident
              </Anchor>
            </Callout>
          )}
          {media.note && (
            <Callout tone="blue" Icon={Info}>
              {media.note}
            </Callout>
          )}
          <div className={classes.columns}>
            <div>
              <Preview media={media} refetch={() => void query.refetch()} />
              {media.variant_count > 0 && (
                <Section title="Files">
                  <Variants variants={media.variants} />
                </Section>
              )}
            </div>
            <Sidebar media={media} />
          </div>
        </Page>
      )}
    </Detail>
  );
}

function Sidebar({ media }: { media: MediaView }) {
  const { job_id, correlation_id, context } = media;
  const carried = useCarried();
  return (
    <aside aria-label="Facts">
      <Section title="Upload">
        <Facts
          facts={[
            ["Status", <StatusMark key="status" status={media.status} />],
            ["Owner", media.owner_id],
            ["Size", bytes(media.size_bytes)],
            [
              "Type",
              <span key="type" className="mono">
                {media.content_type}
              </span>,
            ],
            ["Added", <Ago key="added" time={media.created_at} />],
            ["Changed", <Ago key="changed" time={media.updated_at} />],
            [
              "Job",
              job_id && (
                <Anchor component={Link} to={{ pathname: `/jobs/${job_id}`, search: carried }} fz="sm" className="mono">
                  {job_id.slice(0, 8)}
                </Anchor>
              ),
            ],
          ]}
        />
      </Section>
      <Section title="Correlation id" aside={<Copy text={() => correlation_id} label="Copy the correlation id" />}>
        <Text fz="xs" c="dimmed" className="mono" style={{ overflowWrap: "anywhere" }}>
          {correlation_id}
        </Text>
      </Section>
      {Object.keys(context).length > 0 && (
        <Section title="Context">
          <JsonTree value={context} />
        </Section>
      )}
    </aside>
  );
}
