using System.Text;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Inode.Names;
using Btrfs.Stream;
using Btrfs.Stream.Replay;

namespace Btrfs.Engine.Comparing;

/// <summary>
/// Holds a subvolume against what a chain of streams makes: names, kinds, modes, owners, times of access and content, devices, link targets, hard links, extended attributes, and every
/// byte of content. Not compared is what a stream doesn't carry or a receiver can't set: times of change and birth, inode numbers, flags, where holes are as long as they read as zeros, and the entries of nested subvolumes.
/// </summary>
internal sealed class StreamComparison
{
    private const int BufferBytes = 1 << 20;
    private const int MaxDifferences = 100;

    private readonly StreamChain _chain;
    private readonly ReplayedSubvolume _expected;
    private readonly Subvolume _found;
    private readonly FileReader _reader;
    private readonly CancellationToken _cancellation;
    private readonly byte[] _expectedBytes = new byte[BufferBytes];
    private readonly byte[] _foundBytes = new byte[BufferBytes];
    private readonly List<string> _differences = [];

    // The inode of the subvolume that each inode of the chain was found to be; 0 where it was not met.
    private readonly ulong[] _pairs;
    private readonly Stack<(int Expected, ulong Found, byte[] Path)> _directories = new();
    private long _count;
    private long _inodes;
    private long _bytes;

    public StreamComparison(StreamChain chain, ReplayedSubvolume expected, FsInfo fs, RootRecord root, CancellationToken cancellation)
    {
        _chain = chain;
        _expected = expected;
        _found = new Subvolume(fs, root);
        _reader = new FileReader(fs);
        _cancellation = cancellation;
        _pairs = new ulong[expected.InodeLimit];
    }

    public StreamComparisonReport Run()
    {
        Compare(ReplayedSubvolume.Top, ObjectIds.FirstFree, []);
        while (_directories.TryPop(out (int Expected, ulong Found, byte[] Path) directory))
            CompareEntries(directory.Expected, directory.Found, directory.Path);
        return new StreamComparisonReport { Differences = _differences, DifferenceCount = _count, Inodes = _inodes, ContentBytes = _bytes };
    }

    private void CompareEntries(int expected, ulong found, byte[] path)
    {
        ulong position = 0;
        int matched = 0;
        while (_found.TryReadEntry(found, ref position, out DirEntry entry))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (entry.IsSubvolume)
                continue;

            byte[] name = entry.Name.ToArray();
            if (!_expected.TryLookup(expected, name, out int number))
            {
                Differ(Join(path, name), "the streams don't make it");
                continue;
            }

            matched++;
            Compare(number, entry.Location.ObjectId, Join(path, name));
        }

        if (matched == _expected.CountEntries(expected))
            return;
        foreach ((byte[] name, _) in _expected.EnumerateEntries(expected))
        {
            if (!_found.TryLookup(found, name, out DirEntry entry) || entry.IsSubvolume)
                Differ(Join(path, name), "it is missing");
        }
    }

    private void Compare(int number, ulong found, byte[] path)
    {
        if (_pairs[number] != 0)
        {
            if (_pairs[number] != found)
                Differ(path, "it is not the hard link that the streams make");
            return;
        }

        _pairs[number] = found;
        _inodes++;
        ReplayedInode expected = _expected.GetInode(number);
        FileStatus status = _found.GetStatus(found);
        CompareStatus(expected, status, path);
        CompareXattrs(expected, found, path);
        if ((expected.Mode & InodeMode.TypeMask) != (status.Mode & InodeMode.TypeMask))
            return;
        if (expected.IsDirectory)
            _directories.Push((number, found, path));
        else if (expected.IsSymbolicLink && !_found.ReadLink(found).SequenceEqual(expected.LinkTarget.Span))
            Differ(path, "it has another target");
        else if (expected.IsRegular && (ulong)expected.Size == status.Size)
            CompareContent(expected, found, path);
    }

    private void CompareStatus(ReplayedInode expected, FileStatus status, byte[] path)
    {
        if (expected.Mode != status.Mode)
            Differ(path, $"mode is 0{Convert.ToString(status.Mode, 8)}, the streams say 0{Convert.ToString(expected.Mode, 8)}");
        if (expected.Uid != status.Uid || expected.Gid != status.Gid)
            Differ(path, $"owner is {status.Uid}:{status.Gid}, the streams say {expected.Uid}:{expected.Gid}");
        if ((uint)expected.LinkCount != status.LinkCount)
            Differ(path, $"it has {status.LinkCount} names, the streams make {expected.LinkCount}");
        if (expected.IsRegular && (ulong)expected.Size != status.Size)
            Differ(path, $"size is {status.Size}, the streams say {expected.Size}");
        if (status.IsDeviceNode && expected.Rdev != EncodedDevice(status))
            Differ(path, $"device is {status.DeviceMajor}:{status.DeviceMinor}, the streams say 0x{expected.Rdev:x}");
        CompareTime(expected.Mtime, status.MTime, "modification", path);
        CompareTime(expected.Atime, status.ATime, "access", path);
    }

    private void CompareTime(StreamTime expected, DiskTime found, string what, byte[] path)
    {
        if (expected.Seconds != found.Seconds || expected.Nanoseconds != found.Nanoseconds)
            Differ(path, $"time of {what} is {found.Seconds}.{(uint)found.Nanoseconds:d9}, the streams say {expected.Seconds}.{expected.Nanoseconds:d9}");
    }

    private void CompareXattrs(ReplayedInode expected, ulong found, byte[] path)
    {
        int matched = 0;
        foreach (Xattr xattr in _found.EnumerateXattrs(found))
        {
            if (!expected.TryGetXattr(xattr.Name, out ReadOnlyMemory<byte> value))
            {
                Differ(path, $"the streams don't set its extended attribute '{Shown(xattr.Name)}'");
                continue;
            }

            matched++;
            if (!value.Span.SequenceEqual(xattr.Value))
                Differ(path, $"its extended attribute '{Shown(xattr.Name)}' has another value");
        }

        if (matched == expected.XattrCount)
            return;
        foreach ((byte[] name, _) in expected.Xattrs)
        {
            if (!_found.TryGetXattr(found, name, out _))
                Differ(path, $"its extended attribute '{Shown(name)}' is missing");
        }
    }

    // What neither side has data for is zeros on both, and is not read.
    private void CompareContent(ReplayedInode file, ulong inode, byte[] path)
    {
        using ContentStream expected = _chain.OpenContent(file);
        using InodeStream found = new(_found, inode, _reader);
        for (long offset = 0; offset < expected.Length;)
        {
            _cancellation.ThrowIfCancellationRequested();
            expected.TryFindData(offset, out long first, out _);
            found.TryFindData(offset, out long other, out _);
            offset = Math.Min(first, other);
            int length = (int)Math.Min(BufferBytes, expected.Length - offset);
            if (length == 0)
                return;

            expected.Position = found.Position = offset;
            Span<byte> ours = _expectedBytes.AsSpan(0, length);
            Span<byte> theirs = _foundBytes.AsSpan(0, length);
            expected.ReadExactly(ours);
            found.ReadExactly(theirs);
            _bytes += length;
            int same = ours.CommonPrefixLength(theirs);
            if (same < length)
            {
                Differ(path, $"its content differs at {offset + same}");
                return;
            }

            offset += length;
        }
    }

    // As the stream has it: the minor number around the major.
    private static ulong EncodedDevice(FileStatus status) =>
        (status.DeviceMinor & 0xFF) | ((ulong)status.DeviceMajor << 8) | ((status.DeviceMinor & ~0xFFul) << 12);

    private static byte[] Join(byte[] path, byte[] name) => path.Length == 0 ? name : [.. path, (byte)'/', .. name];

    private static string Shown(ReadOnlySpan<byte> name) => Encoding.UTF8.GetString(name);

    private void Differ(byte[] path, string what)
    {
        if (_count++ < MaxDifferences)
            _differences.Add($"'{Shown(path)}': {what}");
    }
}

/// <summary>What the comparison of a subvolume with a chain of streams found.</summary>
public sealed record StreamComparisonReport
{
    /// <summary>A line for each difference, up to a hundred of them.</summary>
    public required IReadOnlyList<string> Differences { get; init; }

    /// <summary>How many there are.</summary>
    public long DifferenceCount { get; init; }

    /// <summary>How many inodes were compared.</summary>
    public long Inodes { get; init; }

    /// <summary>How many bytes of content were compared.</summary>
    public long ContentBytes { get; init; }

    /// <summary>Whether there is none.</summary>
    public bool IsEqual => DifferenceCount == 0;
}
