using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Delalloc;
using Btrfs.Engine;
using Btrfs.Engine.Making;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Space.Making;
using Btrfs.Storage;

namespace Btrfs.Tests.Delalloc;

/// <summary>A fresh file system on an image of its own, open for writing through memory, over a device that can be told to fail.</summary>
internal sealed class BufferedImage : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("btrfs-buffered-").FullName;
    private readonly DelallocOptions _options;
    private readonly WriteOptions _writing;

    public BufferedImage(ulong bytes = 256 << 20, DelallocOptions? options = null, string features = "", CompressionType? compression = null)
    {
        _writing = new WriteOptions { Compression = compression };
        _options = options ?? new DelallocOptions();
        ImageMaker.Make([Path], new MakeOptions { DeviceBytes = bytes, Features = MakeFeatureNames.Apply(MakeFeatures.Default, features) });
        Open();
    }

    public string Path => System.IO.Path.Combine(_directory, "image");

    public BtrfsFileSystem Fs { get; private set; } = null!;

    public FaultyDevice Device { get; private set; } = null!;

    public static byte[] Random(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public byte[] Read(FsPath path)
    {
        byte[] content = new byte[(int)Fs.GetStatus(path).Size];
        Fs.ReadFile(path, 0, content);
        return content;
    }

    /// <summary>What the last commit has of a file; null where it has no such file.</summary>
    public byte[]? Committed(FsPath path)
    {
        try
        {
            Location at = new PathLookup(Fs.Info).Find(path);
            using Btrfs.Inode.Data.InodeStream content = new(at.Subvolume, at.Inode);
            byte[] bytes = new byte[content.Length];
            content.ReadExactly(bytes);
            return bytes;
        }
        catch (InvalidRequestException)
        {
            return null;
        }
    }

    /// <summary>The extents that the last commit has of a file, holes left out.</summary>
    public IReadOnlyList<(ulong FileOffset, bool IsInline, ulong DiskBytenr)> Extents(FsPath path)
    {
        Location at = new PathLookup(Fs.Info).Find(path);
        List<(ulong FileOffset, bool IsInline, ulong DiskBytenr)> extents = [];
        TreeCursor cursor = at.Subvolume.OpenCursor();
        cursor.Seek(new Key(at.Inode, ItemType.ExtentData, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == at.Inode && cursor.Key.Type == ItemType.ExtentData; cursor.MoveNext())
        {
            FileExtent extent = FileExtent.At(cursor);
            if (!extent.IsHole)
                extents.Add((extent.FileOffset, extent.IsInline, extent.DiskBytenr));
        }

        return extents;
    }

    public void Reopen()
    {
        Fs.Dispose();
        Open();
    }

    /// <summary>Opens without closing first: what a power cut leaves.</summary>
    public void Cut()
    {
        Device.Fail(DeviceCall.Write);
        Device.Fail(DeviceCall.Flush);
        Assert.That(Fs.Dispose, Throws.Exception);
        Open();
    }

    /// <summary>Closes, checks all of what is on the disk, and opens again.</summary>
    public void RequireClean()
    {
        Fs.Dispose();
        using (BtrfsFileSystem closed = BtrfsFileSystem.Open([Path]))
        {
            CheckReport report = new FileSystemChecker(closed.Info, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
            Assert.That(report.Findings, Is.Empty);
        }

        Open();
    }

    public void Dispose()
    {
        try
        {
            Fs.Dispose();
        }
        catch (Exception error) when (error is IOException or BtrfsException)
        {
            // A test that lets the device fail has seen to that itself.
        }

        Directory.Delete(_directory, recursive: true);
    }

    private void Open()
    {
        Device = new FaultyDevice(FileBlockDevice.Open(Path, new DeviceOpenOptions { Writable = true }));
        Fs = BtrfsFileSystem.Open([Device], new BtrfsOpenOptions { Writable = true, Delalloc = _options, Writing = _writing });
    }
}
