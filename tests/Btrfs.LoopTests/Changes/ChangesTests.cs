using System.Text;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.LoopTests.Storage;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Changes;

/// <summary>What the engine changes, judged by btrfs-progs and the running kernel, which then go on from there.</summary>
public sealed class ChangesTests
{
    private const ulong Top = ObjectIds.FirstFree;
    private const uint RegularMode = InodeMode.Regular | 0x1A4;
    private const uint DirectoryMode = InodeMode.Directory | 0x1ED;

    [Test]
    public void The_kernel_reads_what_the_engine_wrote_and_the_engine_goes_on_after_it([Values("", "-O ^no-holes", "-n 4096 --csum xxhash", "-M -m single")] string mkfs)
    {
        using KernelImages images = Make(mkfs);
        byte[] large = Random(1, 3_000_000);
        Change(images, (subvolumes, _) =>
        {
            SubvolumeWriter top = subvolumes.Get(ObjectIds.FsTree);
            ulong directory = top.Create(Top, "directory"u8, new NewInode { Mode = DirectoryMode });
            ulong file = top.Create(directory, "file"u8, new NewInode { Mode = RegularMode, Uid = 5, Gid = 6 });
            top.Write(file, 0, large);
            top.Allocate(file, 10_000, 100_000, AllocateMode.PunchHole);
            top.Allocate(file, 2_900_000, 200_000, AllocateMode.Preallocate);
            top.Write(file, 3_050_000, "in preallocated space"u8);
            top.Link(file, Top, "link"u8);
            top.SetXattr(file, "user.name"u8, "value"u8);
            ulong clone = top.Create(Top, "clone"u8, new NewInode { Mode = RegularMode });
            top.Clone(file, 0, 0, top, clone, 0);
            top.Truncate(clone, 1_000_001);
            top.SetXattr(directory, "btrfs.compression"u8, "zstd"u8);
            ulong text = top.Create(directory, "text"u8, new NewInode { Mode = RegularMode });
            top.Write(text, 0, Encoding.ASCII.GetBytes(new string('x', 500_000)));
            ulong inline = top.Create(directory, "inline"u8, new NewInode { Mode = RegularMode });
            top.Write(inline, 0, "small"u8);
            top.Create(directory, "symlink"u8, new NewInode { Mode = InodeMode.SymbolicLink, Target = Encoding.ASCII.GetBytes("../clone") });
            top.Rename(directory, "inline"u8, Top, "renamed"u8);
        });

        byte[] expected = new byte[3_100_000];
        large.CopyTo(expected, 0);
        expected.AsSpan(10_000, 100_000).Clear();
        "in preallocated space"u8.CopyTo(expected.AsSpan(3_050_000));
        File.WriteAllBytes(Path.Combine(images.Directory, "expected"), expected);
        images.Mounted("defaults", """
            cmp mnt/directory/file expected
            cmp -n 1000001 mnt/clone expected
            test "$(stat -c '%s %h %u %g' mnt/link)" = "3100000 2 5 6"
            test "$(stat -c %s mnt/clone)" = 1000001
            test "$(getfattr --only-values -n user.name mnt/link)" = value
            test "$(tr -d x < mnt/directory/text | wc -c) $(stat -c %s mnt/directory/text)" = "0 500000"
            test "$(cat mnt/renamed)" = small
            test "$(readlink mnt/directory/symlink)" = ../clone
            touch mnt/directory/new; test "$(getfattr --only-values -n btrfs.compression mnt/directory/new)" = zstd
            btrfs scrub start -B mnt | grep -q 'no errors found'
            cp --reflink=always mnt/clone mnt/clone2
            dd if=expected of=mnt/clone bs=4096 count=30 conv=notrunc status=none
            btrfs subvolume snapshot mnt mnt/snapshot
            rm mnt/link
            btrfs balance start --full-balance mnt
            """);
        Check(images);

        Change(images, (subvolumes, _) =>
        {
            SubvolumeWriter top = subvolumes.Get(ObjectIds.FsTree);
            top.Unlink(Top, "clone2"u8);
            top.Rename(Top, "clone"u8, Top, "renamed"u8);
            top.Write(top.Create(Top, "last"u8, new NewInode { Mode = RegularMode }), 0, large);
        });
        images.Mounted("defaults", "cmp mnt/snapshot/directory/file expected; cmp -n 122880 mnt/renamed expected; test ! -e mnt/clone; head -c 10000 mnt/last | cmp -n 10000 - expected");
    }

    [Test]
    public void The_kernel_lists_snapshots_and_cleans_up_what_the_engine_deleted()
    {
        using KernelImages images = Make("");
        Change(images, (subvolumes, operations) =>
        {
            ulong subvolume = operations.Create(ObjectIds.FsTree, Top, "subvolume"u8);
            SubvolumeWriter writer = subvolumes.Get(subvolume);
            ulong file = writer.Create(Top, "file"u8, new NewInode { Mode = RegularMode });
            writer.Write(file, 0, Random(1, 200_000));
            operations.Snapshot(subvolume, ObjectIds.FsTree, Top, "readonly"u8, isReadOnly: true);
            writer.Write(file, 50_000, Random(2, 20_000));
            ulong second = operations.Snapshot(subvolume, ObjectIds.FsTree, Top, "second"u8, isReadOnly: false);
            operations.Snapshot(second, second, Top, "nested"u8, isReadOnly: false);
            operations.Snapshot(subvolume, ObjectIds.FsTree, Top, "deleted"u8, isReadOnly: false);
            operations.Delete(ObjectIds.FsTree, Top, "deleted"u8);
            operations.SetDefault(second);
        });

        string output = images.Mounted("subvolid=5", """
            btrfs subvolume list -t mnt
            btrfs property get mnt/readonly ro
            btrfs subvolume get-default mnt
            ! touch mnt/readonly/x 2>/dev/null
            cmp -n 50000 mnt/readonly/file mnt/second/file
            cmp mnt/second/nested/file mnt/subvolume/file
            btrfs subvolume sync mnt
            btrfs subvolume delete --commit-after mnt/second/nested mnt/readonly
            btrfs subvolume sync mnt
            """);
        Assert.That(output, Does.Contain("ro=true").And.Contain("path second").And.Contain("second/nested").And.Not.Contain("deleted\n"));
        Check(images);
        Change(images, (subvolumes, operations) =>
        {
            operations.SetDefault(ObjectIds.FsTree);
            operations.Delete(ObjectIds.FsTree, Top, "second"u8);
            new SubvolumeCleaner(subvolumes).Run();
        });
    }

    private static KernelImages Make(string mkfs)
    {
        KernelImages images = KernelImages.Prepare(devices: 1, sizeMegabytes: 512);
        images.Run($"mkfs.btrfs -q -f {mkfs} {images.Images[0]}");
        return images;
    }

    private static void Change(KernelImages images, Action<SubvolumeWriters, SubvolumeOperations> change)
    {
        using (FsWriter writer = FsWriter.Open(DeviceSet.Open(images.Images, new DeviceOpenOptions { Writable = true })))
        {
            SubvolumeWriters subvolumes = new(writer);
            OrphanCleaner.Run(subvolumes);
            change(subvolumes, new SubvolumeOperations(subvolumes));
            writer.Commit();
        }

        Check(images);
    }

    private static void Check(KernelImages images) => images.Run($"btrfs check --check-data-csum {images.Images[0]} 2>&1");

    private static byte[] Random(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
