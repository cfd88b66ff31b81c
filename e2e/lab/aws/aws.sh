# Installing, starting and asking the simulated AWS.
# shellcheck shell=bash

AWS_STATE=$LAB_STATE_ROOT/aws-$LAB_ID
AWS_VENV=${XDG_CACHE_HOME:-$HOME/.cache}/crossfade/moto
AWS_PORT=$((8903 + LAB_ID * 10))
AWS_URL=http://127.0.0.1:$AWS_PORT
# What moto was seen with; another version may lack other things.
AWS_MOTO=5.2.5

aws_install() {
  if aws_build 2>/dev/null; then return; fi
  command -v python3 >/dev/null || die "python3 is missing (apt-get install python3 python3-venv)"
  if ! python3 -c 'import ensurepip' 2>/dev/null; then
    need_root
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install python3-venv
  fi
  python3 -m venv "$AWS_VENV"
  "$AWS_VENV/bin/pip" install -q --disable-pip-version-check "moto[server,ec2,ebs,s3,route53]==$AWS_MOTO" awscli
}

aws_build() { [ -x "$AWS_VENV/bin/moto_server" ] && [ -x "$AWS_VENV/bin/aws" ] || die "moto is not installed - run '$LAB_BIN/moto install'"; }

aws_alive() { local pid; pid=$(cat "$AWS_STATE/pid" 2>/dev/null) && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "aws/server.py $AWS_PORT"; }

aws_up() {
  local end=$((SECONDS + 60))
  aws_build
  ! aws_alive || return 0
  mkdir -p "$AWS_STATE"
  # Keys and settings of whoever starts it are none of its business.
  env -u AWS_PROFILE -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY PYTHONDONTWRITEBYTECODE=1 \
    setsid "$AWS_VENV/bin/python" "$LAB_BIN/aws/server.py" "$AWS_PORT" >"$AWS_STATE/log" 2>&1 </dev/null &
  echo $! >"$AWS_STATE/pid"
  until curl -sf -o /dev/null "$AWS_URL/lab/requests"; do
    kill -0 "$(cat "$AWS_STATE/pid")" 2>/dev/null || { tail -5 "$AWS_STATE/log" >&2; die "the simulated AWS ended at once"; }
    [ $SECONDS -lt $end ] || die "the simulated AWS does not answer"
    sleep 0.1
  done
}

aws_down() {
  if aws_alive; then
    kill "$(cat "$AWS_STATE/pid")"
    while aws_alive; do sleep 0.05; done
  fi
  rm -rf "$AWS_STATE"
}

aws_status() { if aws_alive; then say "$AWS_URL"; else say off; fi; }

aws_env() {
  cat <<TEXT
export CF_AWS_URL=$AWS_URL CF_AWS_OSLO=eu-north-1 CF_AWS_LISBON=eu-west-3 CF_AWS_ACCESS_KEY=AKIALABLABLABLABLABL CF_AWS_SECRET_KEY=lab-secret
export CF_AWS_CLI=$AWS_VENV/bin/aws
TEXT
}

# aws_ask WHAT NAME=VALUE...
aws_ask() {
  local what=$1 option options=()
  shift
  for option in "$@"; do options+=(--data-urlencode "$option"); done
  curl -sS --fail-with-body --get "$AWS_URL/lab/$what" "${options[@]}"
}
