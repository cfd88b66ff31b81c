//! Bundles `style/app.css` with all that it imports, and minifies it.

use crate::{assets, paths};
use anyhow::{Result, anyhow};
use lightningcss::{
    bundler::{Bundler, FileProvider},
    stylesheet::{MinifyOptions, ParserOptions, PrinterOptions},
    targets::{Browsers, Targets},
};

/// The first versions that know `light-dark()`: for older ones it would be rewritten into a heap of variables.
fn browsers() -> Browsers {
    Browsers { chrome: Some(123 << 16), firefox: Some(120 << 16), safari: Some(17 << 16 | 5 << 8), ..Browsers::default() }
}

pub fn build() -> Result<()> {
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler.bundle(&paths::root().join("style/app.css")).map_err(|e| anyhow!("style: {e}"))?;
    let targets = Targets::from(browsers());
    sheet.minify(MinifyOptions { targets, ..MinifyOptions::default() }).map_err(|e| anyhow!("style: {e}"))?;
    let printed = sheet.to_css(PrinterOptions { minify: true, targets, ..PrinterOptions::default() }).map_err(|e| anyhow!("style: {e}"))?;
    assets::write_part("app.css", printed.code.as_bytes())
}
