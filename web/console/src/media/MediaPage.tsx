import { SegmentedControl, Select } from "@mantine/core";
import { ImagePlus } from "lucide-react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { MediaView } from "../api/schema";
import { Ago } from "../ui/Ago";
import { useFilters } from "../ui/filters";
import { Headline } from "../ui/Headline";
import { type Column, Items } from "../ui/Items";
import { Live } from "../ui/Live";
import { Note } from "../ui/Note";
import { NothingFound } from "../ui/NothingFound";
import { bytes } from "../ui/numbers";
import { Page, Toolbar } from "../ui/Page";
import classes from "./MediaPage.module.css";
import { Optimise } from "./Optimise";
import { STATUSES, StatusMark, wordOf } from "./status";
import { Thumbnail } from "./Thumbnail";

const ELIGIBLE = ["true", "false"] as const;
const FILTERS = { status: STATUSES, eligible: ELIGIBLE } as const;

const COLUMNS: readonly Column<MediaView>[] = [
  { header: "Media", cell: (media) => <About media={media} /> },
  { header: "Size", width: "84px", align: "end", from: "sm", cell: ({ size_bytes }) => bytes(size_bytes) },
  { header: "Files", width: "64px", align: "end", from: "md", cell: ({ variant_count }) => variant_count },
  { header: "Status", width: "150px", from: "sm", cell: ({ status }) => <StatusMark status={status} /> },
  { header: "Added", width: "76px", align: "end", from: "sm", cell: ({ created_at }) => <Ago time={created_at} /> },
  { header: "Optimise", width: "80px", align: "end", cell: (media) => <Optimise media={media} /> },
];

/** What customers have uploaded, and what became of it, the newest first. */
export default function MediaPage() {
  const [filters, change, clear] = useFilters(FILTERS);
  const list = useList<MediaView>({
    key: ["media", "list", filters],
    page: (cursor, signal) =>
      answer(api.GET("/media", { params: { query: { ...filters, ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 5,
  });
  return (
    <Page title="Media" aside={<Live query={list} />}>
      <Toolbar clear={clear}>
        <SegmentedControl
          aria-label="Optimised or not"
          value={filters.eligible ?? ""}
          onChange={(eligible) => change({ eligible: ELIGIBLE.find((each) => each === eligible) })}
          data={[
            { value: "", label: "All" },
            { value: "true", label: "To optimise" },
            { value: "false", label: "Others" },
          ]}
        />
        <Select
          size="xs"
          w={160}
          aria-label="Status"
          placeholder="Any status"
          clearable
          value={filters.status ?? null}
          onChange={(status) => change({ status: status ?? undefined })}
          data={STATUSES.map((value) => ({ value, label: wordOf(value) }))}
        />
      </Toolbar>
      <Items
        list={list}
        columns={COLUMNS}
        id={idOf}
        to={pathOf}
        what="media"
        empty={clear ? <NothingFound what="media" clear={clear} /> : <NothingYet />}
      />
    </Page>
  );
}

function About({ media }: { media: MediaView }) {
  const { file_name, owner_id, error, status } = media;
  return (
    <span className={classes.about}>
      <Thumbnail media={media} />
      <Headline
        title={file_name}
        under={
          <>
            <span className="truncate">{owner_id}</span>
            {error ? (
              <span className={`${classes.error} truncate`}>{error}</span>
            ) : (
              <span className="phone">{wordOf(status)}</span>
            )}
          </>
        }
      />
    </span>
  );
}

function NothingYet() {
  return (
    <Note title="Nothing was uploaded yet" icon={<ImagePlus size={24} color="var(--dim)" aria-hidden />}>
      Photos and videos appear here as customers upload them: by <code>POST /media</code>, or by the uploader of the
      browser SDK.
    </Note>
  );
}

function pathOf(media: MediaView): string {
  return `/media/${media.media_id}`;
}

function idOf(media: MediaView): string {
  return media.media_id;
}
