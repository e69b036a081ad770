/** A file: a picture, or a chip that saves it. */

import { useState } from "preact/hooks";
import { other as LABELS } from "../../../nbagent/protocol/labels.json";
import { hostOf, inlineImage, LINK_ATTRS, safeUrl } from "../markdown/url";
import type { DownloadNode } from "../protocol";
import { fill } from "../shared";
import type { Block } from "../store";
import { Icon } from "../ui/icons";
import { str, type Unchecked } from "../values";
import { bytes, Lazy, lazyValueOf } from "./lazy";
import { IMAGES, LazyPicture, Picture } from "./result";

const FILE_CHARS = 64_000_000;

export function FileBlock({ block }: { block: Block<"file"> }) {
  return <File file={block.props.value} altText={LABELS.picture} />;
}

/** @param altText - alternative text of a picture without a name. */
export function File({ file, altText }: { file: Unchecked<DownloadNode>; altText: string }) {
  const [wanted, setWanted] = useState(false);
  const type = str(file.media_type) ?? "application/octet-stream";
  const name = str(file.name);
  const url = safeUrl(str(file.url) ?? "");
  const inline = inlineImage(str(file.url) ?? "");
  const lazy = lazyValueOf(file.data);
  if (IMAGES.includes(type) && (lazy || str(file.data))) {
    return <LazyPicture type={type} data={file.data} alt={name ?? altText} />;
  }
  if (inline !== null) return <Picture src={inline} alt={name ?? altText} />;
  const label = name ?? (url === null ? type : fill(LABELS.file_at, type, hostOf(url)));
  if (lazy && !wanted) {
    return (
      <button type="button" class="nb-chip" onClick={() => setWanted(true)}>
        <Icon name="file" />
        {label} (get {bytes(lazy.size)})
      </button>
    );
  }
  return (
    <Lazy value={file.data} text limit={FILE_CHARS}>
      {(loaded) => <FileLink data={str(loaded)} name={name} url={url} label={label} />}
    </Lazy>
  );
}

interface FileLinkProps {
  data: string | null;
  name: string | null;
  url: string | null;
  label: string;
}

function FileLink({ data, name, url, label }: FileLinkProps) {
  // The declared media type is not used: a browser runs no application/octet-stream.
  const href = data ? `data:application/octet-stream;base64,${data.replace(/\s+/g, "")}` : url;
  if (href === null) return <span class="nb-chip">{label}</span>;
  return (
    <a class="nb-chip" href={href} download={data ? (name ?? "file") : undefined} {...LINK_ATTRS}>
      <Icon name="file" />
      {label}
    </a>
  );
}
