using System.Text;
using Btrfs.Ctree;
using Btrfs.Engine.Making;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Data;
using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Tests.Changes;

/// <summary>A fresh file system on an image of its own, open for writing.</summary>
internal sealed class NewImage : IDisposable
{
    public const uint RegularMode = InodeMode.Regular | 0x1A4;
    public const uint DirectoryMode = InodeMode.Directory | 0x1ED;
    public const ulong TopDirectory = ObjectIds.FirstFree;

    private readonly string _directory = Directory.CreateTempSubdirectory("btrfs-changes-").FullName;

    public NewImage(ulong bytes = 256 << 20, string features = "")
    {
        ImageMaker.Make([Path], new MakeOptions { DeviceBytes = bytes, Features = MakeFeatureNames.Apply(MakeFeatures.Default, features) });
        Open();
    }

    public string Path => System.IO.Path.Combine(_directory, "image");

    public FsWriter Writer { get; private set; } = null!;

    public SubvolumeWriters Subvolumes { get; private set; } = null!;

    public SubvolumeOperations Operations { get; private set; } = null!;

    public SubvolumeWriter Top => Subvolumes.Get(ObjectIds.FsTree);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static byte[] Random(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static void AssertRefused(FileError error, Action action) =>
        Assert.That(action, Throws.TypeOf<FileOperationException>().With.Property(nameof(FileOperationException.Error)).EqualTo(error));

    public ulong CreateFile(string name, ulong directory = TopDirectory) => Top.Create(directory, Bytes(name), new NewInode { Mode = RegularMode });

    public ulong CreateDirectory(string name, ulong directory = TopDirectory) => Top.Create(directory, Bytes(name), new NewInode { Mode = DirectoryMode });

    /// <summary>Commits, closes and opens again: nothing is left but what is on the disk.</summary>
    public void Reopen()
    {
        Writer.Commit();
        Writer.Dispose();
        Open();
    }

    /// <summary>A subvolume as of the last commit.</summary>
    public Subvolume Read(ulong root = ObjectIds.FsTree) => new(Writer.Committed, Writer.Committed.GetRoot(root));

    public byte[] Content(ulong inode, ulong root = ObjectIds.FsTree)
    {
        using InodeStream stream = new(Read(root), inode);
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>The names in a directory, in the order in which it lists them.</summary>
    public List<string> Names(ulong directory = TopDirectory, ulong root = ObjectIds.FsTree)
    {
        List<string> names = [];
        Subvolume subvolume = Read(root);
        ulong position = 0;
        while (subvolume.TryReadEntry(directory, ref position, out Btrfs.Inode.Names.DirEntry entry))
            names.Add(Encoding.UTF8.GetString(entry.Name));
        return names;
    }

    /// <summary>An inode as it is now; commits.</summary>
    public InodeItem InodeOf(ulong inode, ulong root = ObjectIds.FsTree)
    {
        Writer.Commit();
        TreeCursor cursor = Read(root).OpenCursor();
        Assert.That(cursor.Seek(new Key(inode, ItemType.InodeItem, 0)));
        return cursor.Record<InodeItem>();
    }

    public List<FileExtentItem> Extents(ulong inode, ulong root = ObjectIds.FsTree)
    {
        List<FileExtentItem> extents = [];
        TreeCursor cursor = Read(root).OpenCursor();
        cursor.Seek(new Key(inode, ItemType.ExtentData, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && cursor.Key.Type == ItemType.ExtentData; cursor.MoveNext())
        {
            FileExtent extent = FileExtent.At(cursor);
            extents.Add(new FileExtentItem
            {
                Type = extent.Type,
                Compression = extent.Compression,
                DiskBytenr = extent.DiskBytenr,
                DiskNumBytes = extent.DiskNumBytes,
                NumBytes = extent.NumBytes,
                RamBytes = extent.RamBytes,
            });
        }

        return extents;
    }

    public void Dispose()
    {
        Writer.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Open()
    {
        Writer = FsWriter.Open(DeviceSet.Open([Path], new DeviceOpenOptions { Writable = true }));
        Subvolumes = new SubvolumeWriters(Writer);
        Operations = new SubvolumeOperations(Subvolumes);
    }
}
