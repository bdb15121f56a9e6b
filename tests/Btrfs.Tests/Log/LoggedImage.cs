using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Storage;
using Btrfs.Tests.Changes;

namespace Btrfs.Tests.Log;

/// <summary>An image that is written to, and looked at as a power cut would leave it: through a second opening, beside the first.</summary>
internal static class LoggedImage
{
    /// <summary>What is found after a power cut now. The image stays as it is.</summary>
    public static BtrfsFileSystem AfterPowerCut(this NewImage image, bool hasPrimary = true)
    {
        MemoryOverlayDevice device = image.Overlay();
        if (!hasPrimary)
            device.Write(FormatLimits.SuperblockOffsets[0] + 512, new byte[512]);
        return BtrfsFileSystem.Open([device]);
    }

    /// <summary>The keys of the log of the top subvolume, checksums left out; empty where there is no log.</summary>
    public static List<Key> LoggedKeys(this NewImage image)
    {
        using FsInfo fs = FsInfo.Open(DeviceSet.Open([image.Overlay()], DeviceOpenOptions.Default));
        ref readonly Superblock super = ref fs.Superblock;
        List<Key> keys = [];
        if (super.LogRoot == 0)
            return keys;
        TreeCursor list = fs.OpenCursor(new TreeRoot(ObjectIds.TreeLog, new LogicalAddress(super.LogRoot), super.Generation + 1, super.LogRootLevel));
        Assert.That(list.Seek(new Key(ObjectIds.TreeLog, ItemType.RootItem, ObjectIds.FsTree)), Is.True);
        TreeCursor cursor = fs.OpenCursor(RootRecord.Read(list.Key, list.Data).Tree);
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
        {
            if (cursor.Key.Type != ItemType.ExtentCsum)
                keys.Add(cursor.Key);
        }

        return keys;
    }

    /// <summary>The primary superblock of the image.</summary>
    public static Superblock Super(this NewImage image)
    {
        using DeviceSet devices = DeviceSet.Open([image.Overlay()], DeviceOpenOptions.Default);
        return devices.Superblock;
    }

    public static SyncOutcome Sync(this NewImage image, ulong inode) => image.Top.Sync(inode);

    public static byte[] ReadAll(this BtrfsFileSystem fs, string path)
    {
        using System.IO.Stream stream = fs.OpenFile(path);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    // Opened past the lock that the first opening holds.
    private static MemoryOverlayDevice Overlay(this NewImage image) => new(new SharedFileDevice(image.Path), leaveOpen: false);
}
