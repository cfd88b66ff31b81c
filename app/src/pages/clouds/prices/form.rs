//! The form of a price list. The seed fills it in, and says that it has to be checked.

use super::draft::PricesDraft;
use crate::{
    api,
    components::{
        button_action::ButtonAction,
        dialog::Dialog,
        error_note::ErrorNote,
        field::{LongTextField, TextField, error_of},
    },
};
use leptos::prelude::*;
use model::{
    error::ApiError,
    prices::{CloudPrices, PriceSeed},
};

#[component]
pub fn PricesDialog(prices: RwSignal<CloudPrices>, open: RwSignal<bool>) -> impl IntoView {
    view! { <Dialog open=open title="Prices of this cloud"><Form prices open/></Dialog> }
}

#[derive(Clone, Copy)]
struct Fields {
    currency: RwSignal<String>,
    vcpu: RwSignal<String>,
    memory: RwSignal<String>,
    storage: RwSignal<String>,
    egress: RwSignal<String>,
    flavours: RwSignal<String>,
}

impl Fields {
    fn new(d: PricesDraft) -> Self {
        let signal = RwSignal::new;
        Self {
            currency: signal(d.currency),
            vcpu: signal(d.vcpu),
            memory: signal(d.memory),
            storage: signal(d.storage),
            egress: signal(d.egress),
            flavours: signal(d.flavours),
        }
    }
    fn fill(self, d: PricesDraft) {
        self.currency.set(d.currency);
        self.vcpu.set(d.vcpu);
        self.memory.set(d.memory);
        self.storage.set(d.storage);
        self.egress.set(d.egress);
        self.flavours.set(d.flavours);
    }
    fn draft(self) -> PricesDraft {
        PricesDraft {
            currency: self.currency.get_untracked(),
            vcpu: self.vcpu.get_untracked(),
            memory: self.memory.get_untracked(),
            storage: self.storage.get_untracked(),
            egress: self.egress.get_untracked(),
            flavours: self.flavours.get_untracked(),
        }
    }
}

#[component]
fn Form(prices: RwSignal<CloudPrices>, open: RwSignal<bool>) -> impl IntoView {
    let known = prices.get_untracked();
    let fields = Fields::new(known.list.as_ref().map(PricesDraft::from).unwrap_or_default());
    let error = RwSignal::new(None::<ApiError>);
    let path = StoredValue::new(format!("/clouds/{}/prices", known.cloud_id));
    let save = move || async move {
        let answer = match fields.draft().parse() {
            Ok(list) => api::put::<_, CloudPrices>(&path.get_value(), &list).await,
            Err(faults) => Err(ApiError { message: "Some of it cannot be read.".into(), fields: faults, ..ApiError::default() }),
        };
        match answer {
            Ok(saved) => {
                prices.try_set(saved);
                open.try_set(false);
            }
            Err(refusal) => {
                error.try_set(Some(refusal));
            }
        }
        Ok(())
    };
    let of = move |field: &'static str| error_of(error, field);
    view! {
        <form on:submit=move |e| e.prevent_default()>
            <div class="dialog-body">
                {known.seed.map(|seed| view! { <Seed seed fields/> })}
                <TextField label="Currency" name="currency" value=fields.currency help="Its three letters." placeholder="EUR" error=of("currency")/>
                <TextField label="vCPU, a month" name="vcpu" value=fields.vcpu placeholder="8.50" error=of("vcpu_month")/>
                <TextField label="GiB of memory, a month" name="memory" value=fields.memory placeholder="4" error=of("memory_gib_month")/>
                <TextField label="GiB of storage, a month" name="storage" value=fields.storage placeholder="0.06" error=of("storage_gib_month")/>
                <TextField label="GiB that leaves the cloud (egress)" name="egress" value=fields.egress placeholder="0.09" error=of("egress_gib")/>
                <LongTextField
                    label="Flavours" name="flavours" value=fields.flavours error=of("flavours")
                    help="One a line: name, vCPUs, MiB of memory, price of a month. Where there are any, a machine costs what the cheapest costs that it fits into."
                />
                {move || error.get().filter(|e| e.fields.is_empty()).map(|e| view! { <ErrorNote error=e/> })}
            </div>
            <footer class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
                <ButtonAction label="Save" look="primary" run=save/>
            </footer>
        </form>
    }
}

#[component]
fn Seed(seed: PriceSeed, fields: Fields) -> impl IntoView {
    let draft = PricesDraft::from(&seed.list);
    view! {
        <div class="note warn">
            <p>{seed.about}</p>
            <p><button type="button" class="button small" on:click=move |_| fields.fill(draft.clone())>"Fill in the seed, check it"</button></p>
        </div>
    }
}
