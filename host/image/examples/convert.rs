//! Converts an image: `convert INPUT OUTPUT FORMAT`. For measurements; the tool itself is `imagecustomizer convert`.

use std::path::{Path, PathBuf};

use imagecustomizer_image::{ExportOptions, OutputFormat, export, import};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, format] = &arguments[..] else { return Err("INPUT OUTPUT FORMAT".into()) };
    let format = OutputFormat::from_name(format).ok_or("no such format")?;
    let work = PathBuf::from(format!("{output}.work"));
    let start = std::time::Instant::now();
    import(Path::new(input), &work, &|_, _| {})?;
    let imported = start.elapsed();
    let options = ExportOptions { source_date_epoch: 0, seed: [0; 16] };
    export(work, Path::new(output), format, &options, &|_, _| {})?;
    use std::io::Write;
    writeln!(std::io::stderr(), "import {imported:?} all {:?}", start.elapsed())?;
    Ok(())
}
