//! The HTML around the app: written by the server only, never hydrated.
//!
//! What a content security policy must allow for it: `script-src 'nonce-…' 'wasm-unsafe-eval' 'strict-dynamic'` (or
//! `'self'` for the modules), `style-src 'self'` (there is no `style=` attribute in what the server renders: bars are
//! `<progress>` and SVG, and the browser sets sizes through the CSSOM), `img-src 'self' data:` (the icon),
//! `connect-src 'self'`.

use crate::routes::App;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{Link, MetaTags};

/// Before the first paint: the chosen scheme, and how far this computer's clock is off the node's (ages are
/// counted on the node's clock).
fn early(now: i64) -> String {
    format!(
        "{{let d=document.documentElement;try{{let t=localStorage.getItem('theme');if(t)d.dataset.theme=t}}catch(e){{}}\
         d.dataset.skew={now}-Date.now()}}"
    )
}

/// What is typed into the page before it reacts.
const KEPT: &str = include_str!("shell/kept.js");

/// With `CROSSFADE_DEV` only: `cargo xtask dev` writes a new word into the file after each build.
const RELOAD: &str = "let w;setInterval(async()=>{try{let r=await fetch('/pkg/reload.txt',{cache:'no-store'});\
    if(!r.ok)return;let t=await r.text();if(w&&w!==t)location.reload();w=t}catch(e){}},1000)";

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Cpath d='M1 12 8 4v8z' fill='%230a6e8a'/%3E%3Cpath d='M15 12 8 4v8z' fill='%23d9822b'/%3E%3C/svg%3E";

pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets = assets::of(&options);
    let start = assets.script.as_ref().map(|(js, wasm)| {
        // The mark is for whoever measures or tests: from here on the page reacts.
        let run = format!(
            "import('{js}').then(m=>m.default({{module_or_path:'{wasm}'}}).then(()=>{{kept.look();return m.hydrate()}}))\
             .then(()=>{{kept.giveBack();performance.mark('hydrated')}})"
        );
        view! {
            <link rel="modulepreload" href=js.as_str() nonce=use_nonce()/>
            <link rel="preload" href=wasm.as_str() r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
            <script nonce=use_nonce()>{KEPT}</script>
            <script type="module" nonce=use_nonce()>{run}</script>
        }
    });
    let reload = std::env::var_os("CROSSFADE_DEV").is_some().then(|| view! { <script nonce=use_nonce()>{RELOAD}</script> });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href=ICON/>
                <script nonce=use_nonce()>{early(crate::state::now())}</script>
                {assets.style.as_deref().map(|href| view! { <link rel="stylesheet" href=href/> })}
                {start}
                {reload}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Has the page that is being rendered name the files of a part of the WebAssembly in its head.
///
/// Leptos can do it (`prefetch_lazy_fn_on_server`), but looks for its list after an `await`, on whatever thread it then
/// runs: a page that waited for its data now and then lost its links.
pub fn preload(chunk: &str) {
    for href in assets::chunk(chunk) {
        let link = view! { <Link rel="preload" href=href.as_str() as_="fetch" type_="application/wasm" crossorigin="anonymous"/> };
        // Rendering is what registers it for the head.
        let _ = link.to_html();
    }
}

/// The names of the built files.
mod assets {
    use leptos::config::LeptosOptions;
    use std::{collections::HashMap, path::Path, sync::OnceLock};

    #[derive(Default)]
    pub struct Assets {
        pub style: Option<String>,
        /// The module and its WebAssembly; without them the pages still show what is.
        pub script: Option<(String, String)>,
        /// The files of each part that is not in the main one.
        chunks: HashMap<String, Vec<String>>,
    }

    #[derive(Default, serde::Deserialize)]
    struct Names {
        css: Option<String>,
        js: Option<String>,
        wasm: Option<String>,
        #[serde(default)]
        chunks: HashMap<String, Vec<String>>,
    }

    /// Read once: a new build of the assets comes with a new start of the node.
    static READ: OnceLock<Assets> = OnceLock::new();

    pub fn of(options: &LeptosOptions) -> &'static Assets {
        READ.get_or_init(|| read(options))
    }

    /// Paths of the files of a part; none in a build that was not cut.
    pub fn chunk(name: &str) -> &'static [String] {
        READ.get().and_then(|assets| assets.chunks.get(name)).map_or(&[], Vec::as_slice)
    }

    fn read(options: &LeptosOptions) -> Assets {
        let list = Path::new(&*options.site_root).join("assets.json");
        let names: Names = std::fs::read(list).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let at = |name: String| format!("/{}/{name}", options.site_pkg_dir);
        let files = |files: Vec<String>| files.into_iter().map(|file| at(format!("{file}.wasm"))).collect();
        Assets {
            style: names.css.map(at),
            script: names.js.zip(names.wasm).map(|(js, wasm)| (at(js), at(wasm))),
            chunks: names.chunks.into_iter().map(|(part, names)| (part, files(names))).collect(),
        }
    }
}
