#!/usr/bin/env bash
# Builds on a fresh Debian with the .NET SDK: ./build.sh [Target] [arguments for Cake]
# Targets: Default (build), Demo, Test, Bench, Fidelity, Fuzz, Native, Pack, Bindings, Format, Clean; `dotnet cake --description` tells what they do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# What the build and the tests take from Debian. The native library is built from the first two lines.
packages=(
    cmake make gcc g++ clang binutils
    liburing-dev libzstd-dev libdeflate-dev zlib1g-dev
    btrfs-progs e2fsprogs util-linux mount attr acl libcap2-bin xz-utils zstd
)

install_missing_packages() {
    local missing=() package
    for package in "${packages[@]}"; do
        [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0

    local sudo=()
    ((EUID == 0)) || sudo=(sudo)
    echo "build.sh: installing ${missing[*]}"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}"
}

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

if command -v dpkg-query >/dev/null; then
    install_missing_packages
else
    echo "build.sh: not a Debian: these must be there already: ${packages[*]}" >&2
fi

dotnet tool restore --verbosity quiet
exec dotnet cake build.cake --target="${1:-Default}" "${@:2}"
