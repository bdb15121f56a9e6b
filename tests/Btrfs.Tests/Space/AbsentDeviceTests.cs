using System.Text;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Data;
using Btrfs.Inode.Replay;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Storage;
using Btrfs.Tests.Making;

namespace Btrfs.Tests.Space;

public sealed class AbsentDeviceTests
{
    private const int SomeSectors = 5 * 4096;
    private const int AcrossStripes = 64 << 10;

    private static readonly MakeOptions s_parity = new() { DataProfile = BlockGroupFlags.Raid5, MetadataProfile = BlockGroupFlags.Raid1C3 };
    private static readonly MakeOptions s_mirrored = new() { DataProfile = BlockGroupFlags.Raid1, MetadataProfile = BlockGroupFlags.Raid1 };

    [Test]
    public void What_was_written_without_a_device_outlives_the_next_write_beside_it([Range(0, 2)] int absent)
    {
        MadeImage image = new(s_parity, devices: 3, megabytes: 200);
        byte[] first = Content(1, SomeSectors);
        byte[] second = Content(2, AcrossStripes);
        Write(image.Devices.Where((_, i) => i != absent), "first", first);
        Write(image.Devices, "second", second);
        Assert.That(Read(image, "first"), Is.EqualTo(first));
        Assert.That(Read(image, "second"), Is.EqualTo(second));
    }

    [Test]
    public void The_same_where_another_system_has_made_but_one_commit_without_it([Range(0, 2)] int absent)
    {
        MadeImage image = new(s_parity, devices: 3, megabytes: 200);
        byte[] first = Content(1, SomeSectors);
        byte[] second = Content(2, AcrossStripes);
        Write(image.Devices.Select((device, i) => i == absent ? new MemoryOverlayDevice(device, leaveOpen: true) : device), "first", first);
        Write(image.Devices, "second", second);
        Assert.That(Read(image, "first"), Is.EqualTo(first));
        Assert.That(Read(image, "second"), Is.EqualTo(second));
    }

    [Test]
    public void A_device_that_a_power_cut_has_left_with_the_superblock_of_before_goes_on()
    {
        MadeImage image = new(s_mirrored, devices: 2, megabytes: 200);
        byte[][] superblocks = [.. FormatLimits.SuperblockOffsets[..2].ToArray().Select(offset => BytesAt(image.Devices[1], offset))];
        Write(image.Devices, "first", Content(1, SomeSectors));
        for (int copy = 0; copy < superblocks.Length; copy++)
            image.Devices[1].Write(FormatLimits.SuperblockOffsets[copy], superblocks[copy]);
        using FsWriter writer = Open(image.Devices);
        Assert.That(writer.Committed.Devices.Devices.Select(device => (device.IsStale, device.TakesWrites)), Is.EqualTo(new[] { (false, true), (true, true) }));
    }

    [Test]
    public void What_was_fsynced_without_a_device_is_found_when_that_comes_first([Values] bool isFirst)
    {
        MadeImage image = new(s_mirrored, devices: 2, megabytes: 200);
        byte[] content = Content(3, SomeSectors);
        using (FsWriter writer = Open(image.Devices.Skip(1)))
        {
            SubvolumeWriter top = new SubvolumeWriters(writer).Get(ObjectIds.FsTree);
            top.Sync(Create(top, "file", content));
        }

        using FsWriter replayed = Open(isFirst ? image.Devices : image.Devices.Reverse());
        LogReplay.Run(replayed);
        Assert.That(Read(replayed.Committed, "file"), Is.EqualTo(content));
    }

    private static byte[] Content(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static FsWriter Open(IEnumerable<IBlockDevice> devices) =>
        FsWriter.Open(DeviceSet.Open([.. devices], new DeviceOpenOptions { Writable = true }));

    private static void Write(IEnumerable<IBlockDevice> devices, string name, byte[] content)
    {
        using FsWriter writer = Open(devices);
        Create(new SubvolumeWriters(writer).Get(ObjectIds.FsTree), name, content);
        writer.Commit();
    }

    private static ulong Create(SubvolumeWriter top, string name, byte[] content)
    {
        ulong inode = top.Create(ObjectIds.FirstFree, Encoding.ASCII.GetBytes(name), new NewInode { Mode = InodeMode.Regular | 0x1A4 });
        top.Write(inode, 0, content);
        return inode;
    }

    private static byte[] Read(MadeImage image, string name)
    {
        using FsInfo fs = image.Open();
        return Read(fs, name);
    }

    private static byte[] Read(FsInfo fs, string name)
    {
        Location at = new PathLookup(fs).Find(name);
        using InodeStream content = new(at.Subvolume, at.Inode);
        byte[] bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        return bytes;
    }

    private static byte[] BytesAt(IBlockDevice device, ulong offset)
    {
        byte[] bytes = new byte[FormatLimits.SuperblockSize];
        device.Read(offset, bytes);
        return bytes;
    }
}
