//! The HTML around the app: written by the server only, never hydrated.
//!
//! What a content security policy must allow for it: `script-src 'nonce-…' 'wasm-unsafe-eval' 'strict-dynamic'` (or
//! `'self'` for the modules), `style-src 'self'` (there is no `style=` attribute in what the server renders: bars are
//! `<progress>` and SVG, and the browser sets sizes through the CSSOM), `img-src 'self' data:` (the icon),
//! `connect-src 'self'`.

use crate::routes::App;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

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
    let assets = assets::Assets::of(&options);
    if let Some(chunks) = assets.chunks {
        provide_context(chunks);
    }
    let start = assets.script.map(|(js, wasm)| {
        // The mark is for whoever measures or tests: from here on the page reacts.
        let run = format!(
            "import('{js}').then(m=>m.default({{module_or_path:'{wasm}'}}).then(()=>{{kept.look();return m.hydrate()}}))\
             .then(()=>{{kept.giveBack();performance.mark('hydrated')}})"
        );
        view! {
            <link rel="modulepreload" href=js nonce=use_nonce()/>
            <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
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
                {assets.style.map(|href| view! { <link rel="stylesheet" href=href/> })}
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

/// The names of the built files.
mod assets {
    use leptos::{WasmSplitManifest, config::LeptosOptions, prelude::ArcStoredValue};
    use std::{collections::HashMap, sync::OnceLock};

    #[derive(Clone, Default)]
    pub struct Assets {
        pub style: Option<String>,
        /// The module and its WebAssembly; without them the pages still show what is.
        pub script: Option<(String, String)>,
        /// From it leptos writes the `preload`s of the chunks that the rendered page needs.
        pub chunks: Option<WasmSplitManifest>,
    }

    #[derive(Default, serde::Deserialize)]
    struct Names {
        css: Option<String>,
        js: Option<String>,
        wasm: Option<String>,
        #[serde(default)]
        chunks: HashMap<String, Vec<String>>,
    }

    impl Assets {
        /// Read once: a new build of the assets comes with a new start of the node.
        pub fn of(options: &LeptosOptions) -> Self {
            static READ: OnceLock<Assets> = OnceLock::new();
            READ.get_or_init(|| Self::read(options)).clone()
        }

        fn read(options: &LeptosOptions) -> Self {
            let list = std::path::Path::new(&*options.site_root).join("assets.json");
            let names: Names = std::fs::read(list).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
            let at = |name: String| format!("/{}/{name}", options.site_pkg_dir);
            let chunks = names
                .js
                .clone()
                .filter(|_| !names.chunks.is_empty())
                .map(|js| WasmSplitManifest(ArcStoredValue::new((format!("/{}", options.site_pkg_dir), names.chunks, js))));
            Self { style: names.css.map(at), script: names.js.zip(names.wasm).map(|(js, wasm)| (at(js), at(wasm))), chunks }
        }
    }
}
