# A machine that was born in the cloud: the lab's kernel, an empty disk, an address of the service network.
# shellcheck shell=bash

cumulus_machine() { die "not yet"; }
