using Btrfs.Cli.Commands.Inspect;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;
using Btrfs.Send;
using Btrfs.Storage;

namespace Btrfs.Fuzz.Running;

/// <summary>What is done to a damaged image: everything listed, every file read, every read-only subvolume sent in several ways.</summary>
internal sealed class Workload(FsInfo fs, CancellationToken cancellation)
{
    private const long OutputLimit = 48 << 20;
    private const int MaxSubvolumes = 3;
    private const int MaxEntries = 20_000;

    private readonly byte[] _buffer = new byte[64 << 10];
    private long _bytesRead;

    public IEnumerable<(string Name, Action Run)> Steps()
    {
        yield return ("ls -R and cat", ListAll);

        yield return ("look up", LookUp);

        RootRecord[] snapshots = [];
        yield return ("subvolume list", () => snapshots = ReadOnlySubvolumes());
        foreach (RootRecord snapshot in snapshots)
            yield return ($"send {snapshot.Id}", () => Send(snapshot, null, [], new SendOptions()));
        for (int i = 0; i + 1 < snapshots.Length; i++)
        {
            (RootRecord first, RootRecord second) = (snapshots[i], snapshots[i + 1]);
            yield return ($"send {second.Id} -p {first.Id}", () => Send(second, first, [first], new SendOptions()));
            yield return ($"send {first.Id} -p {second.Id} v2", () => Send(first, second, [], new SendOptions { Protocol = 2, CompressedData = true }));
            yield return ($"send {second.Id} -c {first.Id}", () => Send(second, null, [first, second], new SendOptions { NoData = i > 0 }));
        }
    }

    private void Send(RootRecord root, RootRecord? parent, RootRecord[] sources, SendOptions options) =>
        new Sender(fs).Send(root, parent, sources, options, new BoundedSink(OutputLimit), null, cancellation);

    /// <summary>Prints every tree; opened on its own, as it wants less of an image than anything else.</summary>
    public static void Dump(DeviceSet devices)
    {
        TextOutput output = new(new BoundedSink(OutputLimit));
        List<string> faults = [];
        using TreeSource source = TreeSource.Open(devices, faults.Add);
        new TreeDump(source, new TreeDumpOptions(), output, faults.Add).Run();
        output.Flush();
    }

    private void LookUp()
    {
        SubvolumeTable subvolumes = new(fs);
        foreach (SubvolumeInfo subvolume in subvolumes.Enumerate().Where(subvolume => !subvolume.Root.IsDead).ToList())
        {
            new PathLookup(fs).FindSubvolume(new FsPath(subvolumes.PathOf(subvolume)));
        }
    }

    private RootRecord[] ReadOnlySubvolumes()
    {
        List<RootRecord> found = [];
        TreeCursor cursor = fs.OpenCursor(fs.RootTree);
        for (cursor.Seek(new Key(ObjectIds.FirstFree, ItemType.RootItem, 0)); cursor.IsValid && found.Count < MaxSubvolumes; cursor.MoveNext())
        {
            if (cursor.Key.Type == ItemType.RootItem && ObjectIds.IsFileTree(cursor.Key.ObjectId)
                && fs.TryFindRoot(cursor.Key.ObjectId) is { IsReadOnly: true, IsDead: false } root)
                found.Add(root);
        }

        return [.. found];
    }

    /// <summary>Follows each directory once, whatever loops the damage made.</summary>
    private void ListAll()
    {
        HashSet<(ulong Root, ulong Inode)> seen = [];
        Stack<(RootRecord Root, ulong Inode)> waiting = new([(fs.GetRoot(ObjectIds.FsTree), ObjectIds.FirstFree)]);
        int entries = 0;
        while (waiting.TryPop(out (RootRecord Root, ulong Inode) directory))
        {
            if (!seen.Add((directory.Root.Id, directory.Inode)))
                continue;

            Subvolume subvolume = new(fs, directory.Root);
            FileReader reader = new(fs);
            TreeCursor cursor = subvolume.OpenCursor();
            for (cursor.Seek(new Key(directory.Inode, ItemType.DirIndex, 0)); IsAt(cursor, directory.Inode, ItemType.DirIndex); cursor.MoveNext())
            {
                cancellation.ThrowIfCancellationRequested();
                if (++entries > MaxEntries)
                    return;

                foreach (DirEntry entry in new DirEntryEnumerator(cursor.Data))
                {
                    if (!entry.IsSubvolume)
                        Visit(subvolume, reader, entry, waiting);
                    else if (fs.TryFindRoot(entry.Location.ObjectId) is { } root)
                        waiting.Push((root, ObjectIds.FirstFree));
                }
            }
        }
    }

    private void Visit(Subvolume subvolume, FileReader reader, DirEntry entry, Stack<(RootRecord Root, ulong Inode)> waiting)
    {
        ulong inode = entry.Location.ObjectId;
        if (!subvolume.TryGetInode(inode, out InodeItem item))
            return;

        subvolume.TryLookup(inode, entry.Name, out _);
        subvolume.TryGetXattr(inode, "user.attribute2"u8, out _);
        if (InodeMode.IsDirectory(item.Mode))
            waiting.Push((subvolume.Root, inode));
        else if (InodeMode.IsSymbolicLink(item.Mode))
            subvolume.ReadLink(inode);
        else if (InodeMode.IsRegular(item.Mode))
            ReadFile(subvolume, reader, inode, item);
    }

    private void ReadFile(Subvolume subvolume, FileReader reader, ulong inode, InodeItem item)
    {
        bool verify = (item.Flags & (ulong)InodeFlags.NoDataSum) == 0;
        TreeCursor cursor = subvolume.OpenCursor();
        for (cursor.Seek(new Key(inode, ItemType.ExtentData, 0)); IsAt(cursor, inode, ItemType.ExtentData); cursor.MoveNext())
        {
            FileExtent extent = FileExtent.At(cursor);
            ulong end = Math.Min(extent.FileOffset + extent.NumBytes, item.FileSize);
            for (ulong offset = extent.FileOffset; offset < end; offset += (ulong)_buffer.Length)
            {
                cancellation.ThrowIfCancellationRequested();
                Span<byte> piece = _buffer.AsSpan(0, (int)Math.Min((ulong)_buffer.Length, end - offset));
                reader.Read(extent, offset, piece, verify);
                _bytesRead += piece.Length;
                if (_bytesRead > OutputLimit)
                    throw new EnoughException();
            }
        }
    }

    private static bool IsAt(TreeCursor cursor, ulong objectId, ItemType type) =>
        cursor.IsValid && cursor.Key.ObjectId == objectId && cursor.Key.Type == type;
}
