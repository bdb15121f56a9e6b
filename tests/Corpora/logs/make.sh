#!/bin/bash
# Makes the image of this folder anew through mkfs.btrfs and the running kernel. Needs root; see README.md.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
mkdir "$work/mount"
mounted() { mount -o "loop,noatime,commit=600" "$1" "$work/mount"; }

# What can be seen of every file, a line each: path, type, mode, links, bytes, then a hash of the content or the target, then attributes.
seen() {
	cd "$work/mount"
	find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | while read -r path; do
		content=-
		if [ -L "$path" ]; then content=$(readlink "$path"); elif [ -f "$path" ]; then content=$(sha256sum < "$path" | cut -c1-64); fi
		attributes=$(getfattr -h -d -m '^user\.' --absolute-names "$path" 2> /dev/null | grep = | LC_ALL=C sort | tr '\n' ' ' || true)
		printf '%s %s %s %s\n' "$path" "$(stat -c '%f %h %s' "$path")" "$content" "$attributes" | sed 's/ *$//'
	done
	cd - > /dev/null
}

before() {
	btrfs -q subvolume create sub
	mkdir -p dir/inner moved-from moved-to emptied
	seq 5000 > overwritten
	seq 30000 > truncated
	seq 20000 > source
	seq 9000 > punched
	echo small > inline
	echo gone > dir/gone
	echo kept > dir/kept
	echo renamed > moved-from/name
	echo replaced > replaced
	echo in a subvolume > sub/file
	echo one > emptied/one
	echo linked > linked
	echo not fsynced > forgotten
	setfattr -n user.old -v old attributes 2> /dev/null || { : > attributes; setfattr -n user.old -v old attributes; }
	setfattr -n user.changed -v before attributes
}

after() {
	local long=$(printf 'n%.0s' $(seq 180))
	# The kernel commits where a log can't tell of a change: these come first.
	mv moved-from/name moved-to/name
	sync moved-to/name
	for i in $(seq 40); do ln linked "moved-to/$i$long"; done
	sync linked
	for i in $(seq 41 60); do ln linked "moved-to/$i$long"; done
	sync linked
	echo by this > replacing
	mv replacing replaced
	sync replaced
	seq 100 200 | dd of=overwritten bs=4096 seek=3 conv=notrunc status=none
	sync overwritten
	truncate -s 5001 truncated
	sync truncated
	seq 40000 > new
	sync new
	cp --reflink=always source clone
	sync clone
	fallocate -p -o 8192 -l 8192 punched
	fallocate -n -o 262144 -l 65536 punched
	sync -d punched
	echo longer than before > inline
	sync inline
	rm dir/gone
	mkdir dir/inner/made
	echo new > dir/inner/made/file
	ln -s ../kept dir/symlink
	sync dir dir/inner/made/file
	setfattr -x user.old attributes
	setfattr -n user.changed -v after attributes
	setfattr -n user.new -v new attributes
	sync attributes
	echo more >> sub/file
	mknod sub/fifo p
	sync sub/file sub
	rm -r emptied/one
	sync emptied
	echo never fsynced >> forgotten
}

truncate -s 128M "$work/image"
mkfs.btrfs -q -n 4096 -m single -d single -U 5b1e55ed-0000-4000-8000-000000000109 "$work/image"
mounted "$work/image"
(cd "$work/mount"; before)
sync -f "$work/mount"
(cd "$work/mount"; after)

# The last fsync has returned: this is what a power cut would leave.
cp --sparse=always "$work/image" "$work/cut"
umount "$work/mount"
gzip -9 -n < "$work/cut" > power-cut.img.gz

# And this is what the kernel makes of it.
mounted "$work/cut"
seen > power-cut.expected
umount "$work/mount"
rm -r "$work"
