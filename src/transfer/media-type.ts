// What is known about media types as such: which names mean one type, which type is also another,
// which ones content cannot tell apart, and what a file name's ending announces. Comparing is done
// with canonical names (IANA's, where there is one that is in use); nothing here looks at content.

import { extname } from 'node:path';
import { supportedMimeTypes } from 'file-type';
import { Mime } from 'mime';
import otherTypes from 'mime/types/other.js';
import standardTypes from 'mime/types/standard.js';

/** First the canonical name, then what else it is called. */
const names = [
  'application/gzip application/x-gzip application/x-gunzip application/x-tgz application/x-gtar-compressed application/x-compressed-tar',
  'application/java-archive application/x-java-archive application/x-jar',
  'application/json application/x-json text/json text/x-json',
  'application/pdf application/x-pdf text/pdf',
  'application/postscript application/eps application/x-eps application/ps image/x-eps',
  'application/rtf application/x-rtf text/rtf text/richtext',
  'application/sql application/x-sql text/x-sql',
  'application/vnd.debian.binary-package application/x-deb application/x-debian-package',
  'application/vnd.microsoft.portable-executable application/x-msdownload application/x-dosexec application/x-msdos-program application/exe application/x-exe',
  'application/vnd.rar application/x-rar application/x-rar-compressed',
  'application/vnd.sqlite3 application/x-sqlite3',
  'application/vnd.ms-asf video/x-ms-asf audio/x-ms-asf',
  'application/x-bzip2 application/bzip2 application/x-bz2 application/x-bzip',
  'application/x-elf application/x-executable application/x-sharedlib application/x-object application/x-pie-executable',
  'application/x-google-chrome-extension application/x-chrome-extension',
  'application/x-ndjson application/ndjson application/jsonl application/x-jsonlines application/jsonlines',
  'application/x-rpm application/x-redhat-package-manager',
  'application/x-sh text/x-sh text/x-shellscript application/x-shellscript',
  'application/x-tar application/tar application/x-gtar application/x-ustar',
  'application/x-xz application/xz',
  'application/xml text/xml application/x-xml',
  'application/yaml application/x-yaml text/yaml text/x-yaml',
  'application/zip application/x-zip application/x-zip-compressed application/zip-compressed',
  'application/zstd application/x-zstd application/x-zstd-compressed',
  'audio/aiff audio/x-aiff',
  'audio/flac audio/x-flac',
  'audio/midi audio/mid audio/x-midi audio/sp-midi',
  'audio/mp4 audio/x-m4a audio/m4a audio/x-mp4',
  'audio/mpeg audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3 audio/x-mpeg-3',
  'audio/s3m audio/x-s3m',
  'audio/wav audio/x-wav audio/wave audio/x-pn-wav audio/vnd.wave',
  'audio/xm audio/x-xm',
  'font/otf application/x-font-otf application/font-otf',
  'font/ttf application/x-font-ttf application/font-ttf application/x-font-truetype',
  'font/woff application/font-woff application/x-font-woff',
  'font/woff2 application/font-woff2 application/x-font-woff2',
  'image/bmp image/x-bmp image/x-ms-bmp',
  'image/jpeg image/jpg image/pjpeg image/x-jpeg',
  'image/png image/x-png',
  'image/svg+xml image/svg image/svg-xml',
  'image/tiff image/x-tiff image/tif',
  'image/vnd.adobe.photoshop image/psd image/x-psd image/x-photoshop application/photoshop application/x-photoshop application/psd',
  'image/vnd.microsoft.icon image/x-icon image/ico image/icon image/x-ico',
  'text/csv application/csv text/x-csv application/x-csv text/comma-separated-values',
  'text/javascript application/javascript application/x-javascript application/ecmascript application/x-ecmascript text/ecmascript text/x-ecmascript text/x-javascript text/jscript text/livescript',
  'text/markdown text/x-markdown text/x-web-markdown',
  'text/typescript application/typescript application/x-typescript text/x-typescript',
  'text/vcard text/x-vcard text/directory',
  'video/matroska video/x-matroska',
  'video/mj2 image/mj2',
  'video/mp4 video/x-m4v video/x-mp4 video/x-f4v',
  'video/vnd.avi video/x-msvideo video/avi video/msvideo',
].map((row) => row.split(' '));

const canonical = new Map(names.flatMap((row) => row.map((name) => [name, row[0] ?? name])));

/** Without parameters, in lower case, by the name that all its names share. */
export function canonicalType(type: string): string {
  const essence = (type.split(';', 1)[0] ?? '').trim().toLowerCase();
  return canonical.get(essence) ?? essence;
}

/** Members share a container; its first bytes do not always tell which it is. */
const kin = [
  'audio/ogg video/ogg application/ogg',
  'video/mp4 audio/mp4 application/mp4',
  'video/webm audio/webm',
  'video/matroska audio/x-matroska audio/matroska',
  'video/3gpp audio/3gpp',
  'video/3gpp2 audio/3gpp2',
  'video/mpeg video/mp1s video/mp2p',
  'image/heic image/heif image/heic-sequence image/heif-sequence',
  'application/vnd.ms-asf video/x-ms-wmv audio/x-ms-wma',
  'application/x-cfb application/msword application/vnd.ms-excel application/vnd.ms-powerpoint application/vnd.ms-outlook application/x-msi application/vnd.visio application/vnd.ms-project',
  'application/java-archive application/vnd.android.package-archive application/x-xpinstall',
].map((row) => row.split(' '));

/** What starts a program or a document that can, in the reader's browser. */
const activeTypes = new Set(
  (
    'text/html application/xml text/javascript text/vbscript text/x-component ' +
    'text/x-server-parsed-html text/cache-manifest'
  ).split(' '),
);
export const isActive = (type: string): boolean => activeTypes.has(type) || type.endsWith('+xml');

const textual = new Set(
  (
    'application/x-sh application/x-csh application/x-tex application/x-latex application/sql ' +
    'application/toml application/yaml application/x-ndjson application/x-httpd-php ' +
    'application/x-perl application/x-subrip application/graphql application/x-powershell ' +
    'application/pgp-keys application/pgp-signature application/node application/mbox ' +
    'application/vnd.apple.mpegurl application/x-mpegurl audio/x-mpegurl audio/mpegurl ' +
    'application/n-triples application/n-quads application/trig model/obj image/x-xpixmap ' +
    'image/x-xbitmap image/x-portable-anymap'
  ).split(' '),
);
export const isTextual = (type: string): boolean =>
  /^(?:text|message|multipart)\//.test(type) || textual.has(type);

/** Detection misses some real files of these, so its silence says nothing. */
const missed = new Set(
  (
    'model/stl application/x-cpio application/x-apple-diskimage application/pgp-encrypted ' +
    'application/x-ms-regedit application/vnd.visio application/vnd.ms-outlook'
  ).split(' '),
);
const shown = new Set([
  ...[...supportedMimeTypes].map(canonicalType).filter((type) => !missed.has(type)),
  ...['text/html', 'application/json'],
]);
/** Sound is seen by the container that it has in common with pictures. */
for (const type of kin.filter((row) => row.some((one) => shown.has(one))).flat()) {
  if (/^(?:audio|video|image)\//.test(type)) shown.add(type);
}
/** Whether a file of this type would have been seen to be one. */
export const isShown = (type: string): boolean => shown.has(type) || /\+(?:xml|json)$/.test(type);

const zipBased = new RegExp(
  String.raw`\+zip$|openxmlformats|opendocument|macroenabled|java-archive|xpinstall|` +
    String.raw`\.package-archive|\.apple\.|\.kmz$|visio|3mf`,
);

/** What a file of this type is as well, in more general words. */
export function broaderThan(type: string): readonly string[] {
  const broader = kin.find((row) => row.includes(type)) ?? [];
  if (zipBased.test(type)) return [...broader, 'application/zip'];
  if (type.endsWith('+xml')) return ['application/xml'];
  if (type.endsWith('+json')) return ['application/json', 'text/plain'];
  if (type === 'application/json' || (isTextual(type) && !isActive(type))) return ['text/plain'];
  if (type === 'image/apng') return ['image/png'];
  if (/^image\/x-(?:canon-cr2|adobe-dng|sony-arw|nikon-nef)$/.test(type)) return ['image/tiff'];
  if (type === 'video/webm' || type === 'audio/webm') return [...broader, 'video/matroska'];
  return broader;
}

/** Whether what shows itself as `type` may be of the narrower `word`, which content cannot show. */
export function mayBe(type: string, word: string): boolean {
  if (kin.some((row) => row.includes(type) && row.includes(word))) return true;
  if (type === 'application/json') return word.endsWith('+json') || word === 'application/x-ndjson';
  if (type === 'application/xml') {
    return word.endsWith('+xml') && !/^(?:image\/svg|application\/xhtml)\+xml$/.test(word);
  }
  if (isShown(word)) return false;
  return type === 'text/plain'
    ? isTextual(word)
    : type === 'application/zip' && zipBased.test(word);
}

const endings = new Mime(standardTypes, otherTypes).define(
  {
    'application/gzip': ['tgz'],
    'application/zstd': ['zst', 'tzst'],
    'application/x-lz4': ['lz4'],
    'application/x-elf': ['elf', 'ko'],
    'application/vnd.microsoft.portable-executable': ['exe', 'dll', 'scr', 'com'],
    'application/vnd.debian.binary-package': ['deb', 'udeb'],
    'application/x-iso9660-image': ['iso'],
    'application/x-unix-archive': ['a', 'lib'],
    'application/x-msi': ['msi'],
    'application/x-ndjson': ['ndjson', 'jsonl'],
    'application/vnd.sqlite3': ['sqlite', 'sqlite3'],
    'application/vnd.apache.parquet': ['parquet'],
    'application/vnd.sketchup.skp': ['skp'],
    'audio/x-musepack': ['mpc'],
    'text/javascript': ['cjs'],
    'text/typescript': ['ts', 'mts', 'cts', 'tsx'],
    'text/x-python': ['py', 'pyi'],
    'text/x-rust': ['rs'],
    'text/x-go': ['go'],
    'text/x-ruby': ['rb'],
    'text/x-diff': ['diff', 'patch'],
  },
  true,
);

/** Endings of two quite different things; the first that content allows is meant. */
const ambiguous = new Map([
  ['.ts', ['text/typescript', 'video/mp2t']],
  ['.mts', ['text/typescript', 'video/mp2t']],
  ['.o', ['application/x-elf', 'application/x-mach-binary']],
  ['.so', ['application/x-elf', 'application/x-mach-binary']],
  ['.key', ['text/plain', 'application/vnd.apple.keynote']],
  ['.com', ['application/vnd.microsoft.portable-executable', 'application/octet-stream']],
]);

/** The types that the ending of a name announces: none, one, or the few that share it. */
export function typesOfName(name: string): readonly string[] {
  const ending = extname(name.replace(/[\s.]+$/, '')).toLowerCase();
  if (ending === '') return [];
  const types = ambiguous.get(ending) ?? [endings.getType(ending) ?? 'application/octet-stream'];
  return types.map(canonicalType);
}

/** Whether this is a type that file names have, not just any word with a slash. */
export function isKnown(type: string): boolean {
  const row = names.find(([first]) => first === type) ?? [type];
  return row.some((name) => endings.getExtension(name) !== null);
}
