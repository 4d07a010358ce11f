# What .ci/run and .ci/nightly share: one step after another, each with a limit of time, nothing left running behind it.
# To be sourced, in the project's folder.

child=
aside=

# Every step is a process group of its own, so that nothing it started outlives it: not after a failure, not after
# a time-out, not when CI itself is ended.
end_group() {
  [ -n "$1" ] || return 0
  kill -TERM -- "-$1" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || true
}
trap 'end_group "$child"; end_group "$aside"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step MINUTES COMMAND...
step() {
  local minutes=$1 code=0 from=$SECONDS
  shift
  echo "==> $*"
  timeout --kill-after=30s "${minutes}m" "$@" </dev/null &
  child=$!
  wait "$child" || code=$?
  end_group "$child"
  child=
  echo "<== $*: $((SECONDS - from)) s, exit code $code"
  return "$code"
}

# beside MINUTES COMMAND...: begins what takes the CPU that the steps after it leave. `joined` ends as it did, once it
# has, and says what it said. One at a time.
beside() {
  local minutes=$1
  shift
  mkdir -p build
  beside_what="$*"
  echo "==> $* (beside what follows)"
  nice -n 19 timeout --kill-after=30s "${minutes}m" "$@" </dev/null >build/ci-beside.log 2>&1 &
  aside=$!
}

joined() {
  local code=0 from=$SECONDS
  wait "$aside" || code=$?
  end_group "$aside"
  aside=
  cat build/ci-beside.log
  echo "<== $beside_what: waited for $((SECONDS - from)) s, exit code $code"
  return "$code"
}

# tests MINUTES VERB [ARGS]: `make VERB`. Where up to three of its tests fail, they are run once more with nothing beside
# them; what passes then is named at the end, and is to be mended (docs/decisions/0066).
passed_alone=()
tests() {
  local minutes=$1 verb=$2 log=build/ci-$2.log failed code=0 tee
  shift 2
  mkdir -p build
  rm -rf .pytest_cache/v/cache/lastfailed
  exec 3> >(tee "$log")
  tee=$!
  step "$minutes" make "$verb" ARGS="$*" >&3 2>&1 || code=$?
  exec 3>&-
  wait "$tee"
  [ "$code" != 0 ] || return 0
  failed=$(sed -nE 's/^(FAILED|ERROR) ([^ ]+).*/\2/p' "$log")
  # make says 1 only where pytest's run came to its end and tests had failed.
  grep -q '^make: \*\*\* .* Error 1$' "$log" && [ "$(wc -l <<<"$failed")" -le 3 ] || return "$code"
  step 10 make "$verb" ARGS="-n 0 --last-failed --last-failed-no-failures none" || return
  passed_alone+=("$failed")
}

# Names what passed only when it was run once more.
name_doubtful() {
  [ "${#passed_alone[@]}" = 0 ] || printf 'passed only alone, to be mended: %s\n' "${passed_alone[@]}"
}

missing_packages() {
  command -v make >/dev/null || echo make
  make --silent python >/dev/null 2>&1 || echo python3 python3-venv
  command -v java >/dev/null || echo default-jre-headless
  command -v mvn >/dev/null || echo maven
  command -v redis-server >/dev/null || echo redis-server
  command -v openssl >/dev/null || echo openssl
  command -v kcat >/dev/null || echo kcat
  command -v chromium >/dev/null || echo chromium
  command -v promtool >/dev/null || echo prometheus
  command -v go >/dev/null || echo golang-go
}

# Installs what is missing on a Debian machine as root; says elsewhere what is.
install() {
  local packages
  packages=$(missing_packages | xargs)
  [ -n "$packages" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "CI needs these Debian packages, or their like elsewhere, and cannot install them itself: $packages" >&2
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  step 5 apt-get -qq update
  # shellcheck disable=SC2086  # a list of words
  step 10 apt-get -qq install -y --no-install-recommends $packages
}
