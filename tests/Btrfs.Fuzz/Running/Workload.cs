using System.Runtime.ExceptionServices;
using Btrfs.Check;
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
    private const int MaxFindingLength = 2000;

    private readonly byte[] _buffer = new byte[64 << 10];
    private long _bytesRead;

    public IEnumerable<(string Name, Action Run)> Steps()
    {
        yield return ("ls -lR, cat", ReadAll);

        yield return ("look up", LookUp);

        yield return ("check", Check);

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
        DumpOutput output = new(new BoundedSink(OutputLimit), TimeZoneInfo.Utc);
        List<string> faults = [];
        using TreeSource source = TreeSource.Open(devices, faults.Add);
        new TreeDump(source, new TreeDumpOptions(), output, faults.Add).Run();
        output.Flush();
    }

    /// <summary>Damage is found, and never thrown; each finding is one line.</summary>
    private void Check()
    {
        CheckReport report = new FileSystemChecker(fs, new CheckOptions { CheckDataChecksums = true }).Run(null, cancellation);
        foreach (Check.Finding finding in report.Findings)
            Invariant.That(!finding.Message.AsSpan().ContainsAny('\n', '\r') && finding.Message.Length is > 0 and < MaxFindingLength);
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

    /// <summary>Walks over everything, and reads every file and attribute. One that fails does not keep the others from their turn, nor the step from failing.</summary>
    private void ReadAll()
    {
        Exception? failure = null;
        int entries = 0;
        DirectoryWalk walk = new(fs, new PathLookup(fs).Top(ObjectIds.FsTree));
        do
        {
            while (walk.TryRead(out _))
            {
                cancellation.ThrowIfCancellationRequested();
                if (++entries > MaxEntries)
                    return;

                try
                {
                    Visit(walk);
                }
                catch (Exception error) when (error is BtrfsException or IOException)
                {
                    failure ??= error;
                }
            }
        }
        while (walk.TryLeave());

        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    private void Visit(DirectoryWalk walk)
    {
        Location at = walk.Target;
        FileStatus status = walk.TargetStatus;
        if (at.IsEmptySubvolumeDirectory)
            return;

        foreach (Xattr _ in at.Subvolume.EnumerateXattrs(at.Inode))
            cancellation.ThrowIfCancellationRequested();
        if (status.IsDirectory)
            walk.Enter();
        else if (status.IsRegular)
            ReadFile(at);
        else if (status.IsSymbolicLink)
            at.Subvolume.ReadLink(at.Inode);
    }

    private void ReadFile(Location at)
    {
        using InodeStream content = new(at.Subvolume, at.Inode);
        for (int length; (length = content.Read(_buffer)) > 0;)
        {
            cancellation.ThrowIfCancellationRequested();
            _bytesRead += length;
            if (_bytesRead > OutputLimit)
                throw new EnoughException();
        }
    }
}
