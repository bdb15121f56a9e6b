using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Data;
using Btrfs.Space.Groups;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Tests.Making;

namespace Btrfs.Tests.Space;

/// <summary>A file system whose files are made, overwritten and deleted at random, with a cache so small that readers see what the device holds.</summary>
internal sealed class HeldImage : IDisposable
{
    private const int MaxFileBytes = 96 << 10;

    private readonly MadeImage _image;
    private readonly Random _random;
    private readonly Dictionary<string, ulong> _files = [];
    private int _made;

    public HeldImage(int seed, int megabytes = MadeImage.DefaultMegabytes)
    {
        _image = new MadeImage(new MakeOptions(), megabytes: megabytes);
        _random = new Random(seed);
        Writer = _image.OpenForWriting(new FsOpenOptions { BlockCacheBytes = 1 });
        Subvolumes = new SubvolumeWriters(Writer);
    }

    public FsWriter Writer { get; }

    public SubvolumeWriters Subvolumes { get; }

    public SubvolumeWriter Top => Subvolumes.Get(ObjectIds.FsTree);

    public void Make(int files, int maxBytes = MaxFileBytes)
    {
        for (int i = 0; i < files; i++)
        {
            string name = $"file{_made++}";
            ulong inode = Top.Create(ObjectIds.FirstFree, System.Text.Encoding.ASCII.GetBytes(name), new NewInode { Mode = InodeMode.Regular | 0x1A4 });
            Write(inode, maxBytes);
            _files.Add(name, inode);
        }
    }

    /// <summary>Overwrites a third of the files, deletes a third, and makes as many new ones.</summary>
    public void Churn()
    {
        List<string> deleted = [];
        foreach ((string name, ulong inode) in _files)
        {
            switch (_random.Next(3))
            {
                case 0:
                    Write(inode, MaxFileBytes);
                    break;
                case 1:
                    deleted.Add(name);
                    break;
            }
        }

        deleted.ForEach(Delete);
        Make(deleted.Count);
    }

    /// <summary>Deletes all files.</summary>
    /// <param name="filesPerCommit">After so many a commit.</param>
    /// <param name="stride">Above 1 neighbours go at different times, so that all leaves are copied long before they are empty.</param>
    public void DeleteAll(int filesPerCommit = int.MaxValue, int stride = 1)
    {
        int deleted = 0;
        foreach ((int _, string name) in _files.Keys.Index().OrderBy(file => file.Index % stride).ToArray())
        {
            Delete(name);
            if (++deleted % filesPerCommit == 0)
                Writer.Commit();
        }
    }

    /// <summary>All that a commit's trees hold, and with data all that its files do, in one number.</summary>
    /// <exception cref="BtrfsException">Something was overwritten.</exception>
    public static string Fingerprint(FsInfo fs, bool includesData)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        List<TreeRoot> trees = [fs.ChunkTree, fs.RootTree];
        for (int i = 0; i < trees.Count; i++)
        {
            TreeCursor cursor = fs.OpenCursor(trees[i]);
            for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
            {
                DiskKey key = new(cursor.Key);
                hash.AppendData(MemoryMarshal.AsBytes([key]));
                hash.AppendData(cursor.Data);
                if (i == 1 && cursor.Key.Type == ItemType.RootItem)
                    trees.Add(RootRecord.Read(cursor.Key, cursor.Data).Tree);
            }
        }

        if (includesData)
            AppendFiles(hash, new Subvolume(fs, fs.GetRoot(ObjectIds.FsTree)));
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>Holds the account of each group against the disk: what the disk says is free is free, or held.</summary>
    public void AssertAccount()
    {
        Writer.Commit();
        Writer.HeldBytes();
        foreach (BlockGroup group in Writer.State.Groups.Groups)
        {
            Assert.That(group.Pinned, Is.Zero, group.ToString());
            ulong free = FreeSpaceLoader.Load(Writer.Committed, group).FreeBytes;
            Assert.That(group.Free is null ? free : group.Free.FreeBytes + group.Held, Is.EqualTo(free), group.ToString());
        }
    }

    public void AssertClean()
    {
        using FsInfo fs = _image.Open();
        Assert.That(new FileSystemChecker(fs, new CheckOptions()).Run(null, CancellationToken.None).Findings, Is.Empty);
    }

    public void Dispose() => Writer.Dispose();

    private static void AppendFiles(IncrementalHash hash, Subvolume subvolume)
    {
        TreeCursor cursor = subvolume.OpenCursor();
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
        {
            if (cursor.Key.Type != ItemType.InodeItem || !InodeMode.IsRegular(cursor.Record<InodeItem>().Mode))
                continue;

            using InodeStream stream = new(subvolume, cursor.Key.ObjectId);
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            hash.AppendData(content);
        }
    }

    private void Delete(string name)
    {
        Top.Unlink(ObjectIds.FirstFree, System.Text.Encoding.ASCII.GetBytes(name));
        _files.Remove(name);
    }

    private void Write(ulong inode, int maxBytes)
    {
        byte[] content = new byte[_random.Next(1, maxBytes)];
        _random.NextBytes(content);
        Top.Write(inode, 0, content);
    }
}
