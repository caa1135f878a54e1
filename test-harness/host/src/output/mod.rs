//! Where the rows of a scan go, and in which format.

mod byte_output;
mod columns;
mod csv;
mod folder;
mod json;
mod ndjson;
mod ndjson_folder;
mod opengraph;
mod origin;
mod pack;
#[cfg(feature = "parquet")]
mod parquet;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use connector_api::{ConnectorError, ErrorCode, Record, ScanSummary};

use super::files;

pub use self::byte_output::{Target, stdout_is_closed};
pub use self::columns::{account_cells, cell_text};
pub use self::csv::CsvFolder;
pub use self::json::JsonDocument;
pub use self::ndjson::NdjsonLines;
pub use self::ndjson_folder::NdjsonFolder;
pub use self::opengraph::OpenGraphFolder;
pub use self::origin::Origin;
pub use self::pack::{Checked, Difference, MANIFEST, Pack, check_pack};
#[cfg(feature = "parquet")]
pub use self::parquet::ParquetFolder;

/// The format of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line; the summary is the last line. In a folder: one such file per kind of record, and
    /// `summary.json`.
    #[default]
    Ndjson,
    /// One JSON document `{"records":[…],"summary":{…}}`.
    Json,
    /// A folder with one file per kind of record, and `summary.json`.
    Csv,
    /// The same as Parquet, with real types, if the feature `parquet` is built in.
    Parquet,
    /// A folder with the graph as BloodHound reads it, its extension schema, and links to other systems.
    OpenGraph,
}

impl Format {
    /// Every format, in the order of help texts.
    pub const ALL: &[Self] = &[Self::Ndjson, Self::Json, Self::Csv, Self::Parquet, Self::OpenGraph];

    /// Its name, on a command line and as the ending of a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::OpenGraph => "opengraph",
        }
    }

    /// A description for help texts.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Ndjson => {
                "One JSON object per line, the summary last. In a folder: one file per kind of record, which databases read \
                 as tables"
            }
            Self::Json => "One JSON document {\"records\":[…],\"summary\":{…}}",
            Self::Csv => "A folder with one CSV file per kind of record, safe to open in a spreadsheet",
            Self::Parquet => "A folder with one Parquet file per kind of record, with real types, for analysis",
            Self::OpenGraph => "A folder with the graph of accounts, groups, resources and bindings for BloodHound",
        }
    }

    /// The format with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == name)
    }

    /// The format that the ending of a file names.
    pub fn by_ending(path: &Path) -> Option<Self> {
        Self::by_name(&path.extension()?.to_str()?.to_ascii_lowercase())
    }

    /// The ending of a file in this format; a folder has none.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => ".ndjson",
            Self::Json => ".json",
            _ => "",
        }
    }

    /// Whether it always is several files, in a folder.
    pub const fn is_folder(self) -> bool {
        self.extension().is_empty()
    }
}

/// The place of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere: the rows are dropped, only the summary is used.
    #[default]
    Nowhere,
    /// Standard output.
    Stdout,
    /// A file, or a folder where [the format is one](Format::is_folder). For [`Format::Ndjson`] it is a folder if the path
    /// exists as one or ends in `/`.
    Path(PathBuf),
}

/// Receives the rows of one scan.
///
/// A file gets its final name only with [`commit`](Output::commit). An output that is dropped instead leaves nothing behind,
/// except what was written to standard output.
pub trait Output: Send {
    /// Receives one row.
    ///
    /// # Errors
    /// When it cannot be written.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Ends a complete scan: writes the summary and gives the files their final names.
    ///
    /// # Errors
    /// If something cannot be written; then no file has its final name.
    fn commit(self: Box<Self>, summary: &ScanSummary) -> io::Result<()>;

    /// Ends a failed scan: removes what was written, or writes the summary to standard output, whose reader learns of it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    fn abandon(self: Box<Self>, summary: &ScanSummary) -> io::Result<()>;
}

impl Destination {
    /// Opens the output, so that errors are found before a scan starts.
    ///
    /// # Errors
    /// `invalid_config` if the destination does not fit the format, `sink` if it cannot be written.
    pub fn open(&self, format: Format, origin: &Origin) -> Result<Box<dyn Output>, ConnectorError> {
        if *self == Self::Stdout && format.is_folder() {
            return Err(ConnectorError::invalid_config(
                format!("{} writes several files, so it needs a folder", format.as_str()),
                "set the folder with --output FOLDER",
            ));
        }
        match self {
            Self::Path(path) => files::check_folder(path)?,
            Self::Stdout if stdout_is_closed() => {
                return Err(ConnectorError::new(
                    ErrorCode::Sink,
                    "standard output is closed",
                    "redirect standard output to a file or a program, or write to a file with --output FILE",
                ));
            }
            _ => {}
        }
        let open = || -> io::Result<Box<dyn Output>> {
            Ok(match (self, format) {
                (Self::Nowhere, _) => Box::new(Nowhere),
                (Self::Path(path), Format::Csv) => Box::new(CsvFolder::create(path)?),
                #[cfg(feature = "parquet")]
                (Self::Path(path), Format::Parquet) => Box::new(ParquetFolder::create(path)?),
                #[cfg(not(feature = "parquet"))]
                (Self::Path(_), Format::Parquet) => return Err(io::ErrorKind::Unsupported.into()),
                (Self::Path(path), Format::OpenGraph) => Box::new(OpenGraphFolder::create(path, origin)?),
                (Self::Path(path), Format::Ndjson) if names_folder(path) => Box::new(NdjsonFolder::create(path)?),
                (Self::Path(path), Format::Ndjson) => Box::new(NdjsonLines::new(Target::file(path)?)),
                (Self::Path(path), Format::Json) => Box::new(JsonDocument::new(Target::file(path)?)),
                (Self::Stdout, Format::Json) => Box::new(JsonDocument::new(Target::stdout())),
                (Self::Stdout, _) => Box::new(NdjsonLines::new(Target::stdout())),
            })
        };
        open().map_err(|error| open_error(self, &error))
    }

    /// The operator's error for a failed write to this destination.
    pub fn write_error(&self, error: &io::Error) -> ConnectorError {
        files::write_error(self, error)
    }
}

/// What it means that an output could not be opened.
fn open_error(place: impl std::fmt::Display, error: &io::Error) -> ConnectorError {
    match error.kind() {
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory | io::ErrorKind::DirectoryNotEmpty => {
            ConnectorError::invalid_config(format!("{place}: {error}"), "choose another path with --output")
        }
        io::ErrorKind::Unsupported => ConnectorError::invalid_config(
            "this program was built without Parquet",
            "choose another --format, or use a build with the feature `parquet`",
        ),
        _ => files::write_error(place, error),
    }
}

/// Writes a file that only its owner can read, which has its final name only when it is complete.
///
/// # Errors
/// `invalid_config` if its folder does not exist, `sink` if it cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ConnectorError> {
    files::check_folder(path)?;
    let write = || -> io::Result<()> {
        let mut file = Target::file(path)?;
        file.write_all(bytes)?;
        file.commit()
    };
    write().map_err(|error| files::write_error(path.display(), &error))
}

fn names_folder(path: &Path) -> bool {
    path.is_dir() || path.to_string_lossy().ends_with(std::path::is_separator)
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere"),
            Self::Stdout => f.write_str("standard output"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

struct Nowhere;

impl Output for Nowhere {
    fn record(&mut self, _: &Record) -> io::Result<()> {
        Ok(())
    }

    fn commit(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }

    fn abandon(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }
}
