import { Button, SegmentedControl, Select } from "@mantine/core";
import { ImagePlus, SearchX } from "lucide-react";
import { useCallback } from "react";
import { useLocation } from "react-router";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { MediaView } from "../api/schema";
import { Ago } from "../ui/Ago";
import { useFilters } from "../ui/filters";
import { type Column, Items } from "../ui/Items";
import { Live } from "../ui/Live";
import { Note } from "../ui/Note";
import { bytes } from "../ui/numbers";
import { Page, Toolbar } from "../ui/Page";
import classes from "./MediaPage.module.css";
import { Optimise } from "./Optimise";
import { STATUSES, StatusMark, wordOf } from "./status";
import { Thumbnail } from "./Thumbnail";

const ELIGIBLE = ["true", "false"] as const;
const FILTERS = { status: STATUSES, eligible: ELIGIBLE } as const;
const NONE = { status: undefined, eligible: undefined };

const COLUMNS: readonly Column<MediaView>[] = [
  { header: "Media", cell: (media) => <Headline media={media} /> },
  { header: "Size", width: "84px", align: "end", from: "sm", cell: ({ size_bytes }) => bytes(size_bytes) },
  { header: "Files", width: "64px", align: "end", from: "md", cell: ({ variant_count }) => variant_count },
  { header: "Status", width: "150px", from: "sm", cell: ({ status }) => <StatusMark status={status} /> },
  { header: "Added", width: "76px", align: "end", from: "sm", cell: ({ created_at }) => <Ago time={created_at} /> },
  { header: "Optimise", width: "80px", align: "end", cell: (media) => <Optimise media={media} /> },
];

/** What customers have uploaded, and what became of it, the newest first. */
export default function MediaPage() {
  const [filters, change] = useFilters(FILTERS);
  const { search } = useLocation();
  const list = useList<MediaView>({
    key: ["media", "list", filters],
    page: (cursor, signal) =>
      answer(api.GET("/media", { params: { query: { ...filters, ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 5,
  });
  const pathOf = useCallback((media: MediaView) => `/media/${media.media_id}${search}`, [search]);
  const filtered = Object.keys(filters).length > 0;
  return (
    <Page title="Media" aside={<Live query={list} />}>
      <Toolbar>
        <SegmentedControl
          size="xs"
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
        {filtered && (
          <Button variant="subtle" color="gray" onClick={() => change(NONE)}>
            Clear
          </Button>
        )}
      </Toolbar>
      <Items
        list={list}
        columns={COLUMNS}
        id={idOf}
        to={pathOf}
        what="media"
        empty={filtered ? <NothingFound clear={() => change(NONE)} /> : <NothingYet />}
      />
    </Page>
  );
}

function Headline({ media }: { media: MediaView }) {
  return (
    <span className={classes.headline}>
      <Thumbnail media={media} />
      <span className={classes.words}>
        <span className={`${classes.name} truncate`}>{media.file_name}</span>
        <span className={classes.under}>
          <span className="truncate">{media.owner_id}</span>
          {media.error ? (
            <span className={`${classes.error} truncate`}>{media.error}</span>
          ) : (
            <span className={classes.phone}>{wordOf(media.status)}</span>
          )}
        </span>
      </span>
    </span>
  );
}

function NothingFound({ clear }: { clear: () => void }) {
  return (
    <Note
      title="No media matches these filters"
      icon={<SearchX size={24} color="var(--dim)" aria-hidden />}
      actions={
        <Button variant="default" onClick={clear}>
          Clear the filters
        </Button>
      }
    />
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

function idOf(media: MediaView): string {
  return media.media_id;
}
