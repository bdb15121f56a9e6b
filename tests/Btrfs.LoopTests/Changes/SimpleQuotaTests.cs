using Btrfs.Engine.Making;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.LoopTests.Storage;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Changes;

/// <summary>Simple quotas after the same changes by the engine and by the kernel.</summary>
public sealed class SimpleQuotaTests
{
    private const ulong Top = ObjectIds.FirstFree;
    private const uint RegularMode = InodeMode.Regular | 0x1A4;
    private const string Show = "btrfs qgroup show --raw -pc mnt";
    private const int Bytes = 100_000;

    [Test]
    public void Groups_of_groups_count_new_and_deleted_subvolumes_as_the_kernel_does()
    {
        using KernelImages ours = Make();
        using KernelImages theirs = Make();
        string expected = theirs.Mounted("defaults", $"""
            head -c {Bytes} /dev/urandom > mnt/volume/file
            btrfs subvolume create mnt/volume/below > /dev/null
            btrfs subvolume snapshot mnt/volume mnt/snapshot > /dev/null
            head -c {Bytes} /dev/urandom > mnt/volume/below/file
            head -c {Bytes} /dev/urandom > mnt/snapshot/own
            btrfs subvolume create mnt/volume/gone > /dev/null
            head -c {Bytes} /dev/urandom > mnt/volume/gone/file
            sync -f mnt
            btrfs subvolume delete -c mnt/volume/gone > /dev/null
            btrfs subvolume sync mnt > /dev/null
            sync -f mnt
            {Show}
            """);
        Change(ours, (subvolumes, operations, volume) =>
        {
            Write(subvolumes.Get(volume), "file"u8);
            ulong below = operations.Create(volume, Top, "below"u8);
            ulong snapshot = operations.Snapshot(volume, ObjectIds.FsTree, Top, "snapshot"u8, isReadOnly: false);
            Write(subvolumes.Get(below), "file"u8);
            Write(subvolumes.Get(snapshot), "own"u8);
            Write(subvolumes.Get(operations.Create(volume, Top, "gone"u8)), "file"u8);
            operations.Delete(volume, Top, "gone"u8);
            new SubvolumeCleaner(subvolumes).Run();
        });
        Assert.That(ours.Mounted("defaults", Show), Is.EqualTo(expected));
        Assert.That(expected, Does.Contain("2/9").And.Not.Contain("stale"));
    }

    private static KernelImages Make()
    {
        KernelImages images = KernelImages.Prepare(devices: 1, sizeMegabytes: 512);
        ImageMaker.Make([images.Images[0]], new MakeOptions { Features = MakeFeatureNames.Apply(MakeFeatures.Default, "squota") });
        images.Mounted("defaults", """
            btrfs subvolume create mnt/volume
            btrfs qgroup create 1/7 mnt
            btrfs qgroup create 2/9 mnt
            btrfs qgroup assign 1/7 2/9 mnt
            btrfs qgroup assign 0/$(btrfs inspect-internal rootid mnt/volume) 1/7 mnt
            """);
        return images;
    }

    private static void Change(KernelImages images, Action<SubvolumeWriters, SubvolumeOperations, ulong> change)
    {
        using FsWriter writer = FsWriter.Open(DeviceSet.Open(images.Images, new DeviceOpenOptions { Writable = true }));
        SubvolumeWriters subvolumes = new(writer);
        change(subvolumes, new SubvolumeOperations(subvolumes), new SubvolumeTable(writer.Committed).Enumerate().Single(subvolume => subvolume.Id != ObjectIds.FsTree).Id);
        writer.Commit();
    }

    private static void Write(SubvolumeWriter writer, ReadOnlySpan<byte> name)
    {
        byte[] content = new byte[Bytes];
        new Random(1).NextBytes(content);
        writer.Write(writer.Create(Top, name, new NewInode { Mode = RegularMode }), 0, content);
    }
}
