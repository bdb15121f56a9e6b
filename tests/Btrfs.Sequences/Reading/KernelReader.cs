using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Fidelity.Kernel;
using Btrfs.Sequences.Actors;

namespace Btrfs.Sequences.Reading;

/// <summary>Reads a whole mounted file system through the kernel. Everything is to be on the disk before.</summary>
internal sealed class KernelReader
{
    private const uint TypeMask = 0xF000;
    private const uint Regular = 0x8000;
    private const uint Directory = 0x4000;
    private const uint SymbolicLink = 0xA000;
    private const ulong TopInode = 256;
    private const ulong StubInode = 2;
    private const uint FlagReadOnlySubvolume = 2;
    private const ulong BlockSize = 4096;
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const uint NoCompress = 0x400;
    private const uint Compress = 0x4;
    private const uint ExtentUnwritten = 0x800;
    private const uint ExtentInline = 0x200;
    private static readonly uint s_shownFlags = FlagNumbers.All.Aggregate(0u, (all, flag) => all | flag.Bit);
    private static readonly ulong s_getSubvolumeFlags = 2UL << 30 | 8UL << 16 | 0x94 << 8 | 25;

    private readonly TreeText _text = new();
    private readonly SharingMap _sharing = new();
    private readonly Dictionary<(ulong Device, ulong Inode), string> _known = [];
    private readonly bool _hidesNoCompress;
    private readonly bool _hasExtents;
    private readonly bool _sortsNames;
    private readonly byte[] _buffer = new byte[256 << 10];

    private KernelReader(bool hidesNoCompress, bool hasExtents, bool sortsNames)
    {
        _hidesNoCompress = hidesNoCompress;
        _hasExtents = hasExtents;
        _sortsNames = sortsNames;
    }

    /// <param name="root">The top-level directory, open.</param>
    /// <param name="hidesNoCompress">Leaves out the mark that a kernel makes when data did not get smaller.</param>
    /// <param name="hasExtents">Tells of sharing too; not where data may be compressed: the kernel doesn't say where in an extent a block lies.</param>
    /// <param name="sortsNames">Takes names by their bytes, and not in the order of their making, which a copy need not have.</param>
    public static TreeText Read(int root, bool hidesNoCompress, bool hasExtents, bool sortsNames = false)
    {
        KernelReader reader = new(hidesNoCompress, hasExtents, sortsNames);
        reader.Visit("", root, "."u8.ToArray());
        return reader._text;
    }

    private void Visit(string path, int above, byte[] name)
    {
        KernelException.Check(InodeCalls.Stat(above, name, out InodeStat stat), $"stat {path}");
        uint type = stat.Mode & TypeMask;
        if (stat.Inode == StubInode)
        {
            _text.Add(path, "stub");
            return;
        }

        if (!_known.TryAdd((stat.Device, stat.Inode), path))
        {
            _text.AddName(path, _known[(stat.Device, stat.Inode)]);
            return;
        }

        int access = type switch
        {
            Regular => Syscall.OpenReadOnly,
            Directory => Syscall.OpenReadOnly | Syscall.OpenDirectory,
            _ => Syscall.OpenPath | Syscall.OpenNoFollow,
        };
        using Descriptor inode = new(KernelException.Check(Syscall.Open(above, name, access), $"open {path}"));
        if (type == Directory && stat.Inode == TopInode)
            _text.Add(path, IsReadOnly(inode.Value) ? "read-only subvolume" : "subvolume");
        AddStatus(path, stat, type is Regular or Directory ? FlagsOf(inode.Value) : 0);
        if (type == SymbolicLink)
            _text.Add(path, "leads to " + TreeText.Hash(InodeCalls.ReadLink(inode.Value)));
        foreach ((string xattr, byte[] value) in InodeCalls.Xattrs(inode.Value))
            _text.AddXattr(path, xattr, value);
        if (type == Regular)
            AddContent(path, inode.Value);
        if (type != Directory)
            return;
        List<byte[]> names = InodeCalls.List(inode.Value);
        if (_sortsNames)
            names.Sort(static (one, other) => one.AsSpan().SequenceCompareTo(other));
        foreach (byte[] entry in names)
        {
            string child = Encoding.Latin1.GetString(entry);
            Visit(path.Length == 0 ? child : $"{path}/{child}", inode.Value, entry);
        }
    }

    private static unsafe bool IsReadOnly(int top)
    {
        ulong flags = 0;
        KernelException.Check(Syscall.Ioctl(top, s_getSubvolumeFlags, &flags), "read subvolume flags");
        return (flags & FlagReadOnlySubvolume) != 0;
    }

    private uint FlagsOf(int inode)
    {
        KernelException.Check(FileIoctl.GetFlags(inode, out uint flags), "read flags");
        flags &= s_shownFlags;

        // Of the two it shows one, the mark before the wish.
        return _hidesNoCompress ? flags & ~(NoCompress | Compress) : flags;
    }

    private void AddStatus(string path, in InodeStat stat, uint flags) => _text.Add(path, string.Create(
        CultureInfo.InvariantCulture,
        $"mode={Convert.ToString(stat.Mode, 8)} owner={stat.Uid}:{stat.Gid} size={stat.Size} links={stat.LinkCount} device={stat.RealMajor}:{stat.RealMinor}"
        + $" flags=0x{flags:x} atime={TreeText.Time(stat.AccessSeconds, stat.AccessNanoseconds)} mtime={TreeText.Time(stat.ChangeSeconds, stat.ChangeNanoseconds)}"));

    private void AddContent(string path, int file)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long start = Syscall.Seek(file, 0, SeekData); start >= 0;)
        {
            long end = Syscall.Seek(file, start, SeekHole);
            for (long position = start; position < end;)
            {
                int count = KernelException.Check(
                    Syscall.Read(file, _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, end - position)), position), $"read {path}");
                if (count == 0)
                    throw new InvalidOperationException($"{path} ends before its data does");
                ContentHash.Append(hash, position, _buffer.AsSpan(0, count));
                position += count;
            }

            start = Syscall.Seek(file, end, SeekData);
        }

        _text.Add(path, $"content {ContentHash.Finish(hash)}");
        if (!_hasExtents)
            return;
        _sharing.BeginFile();
        InodeCalls.Extents(file, (logical, physical, length, flags) =>
        {
            ulong blocks = (length + BlockSize - 1) / BlockSize;
            for (ulong i = 0; i < blocks; i++)
            {
                _sharing.Add(
                    logical / BlockSize + i,
                    (flags & ExtentUnwritten) != 0 ? 'p' : 'd',
                    (flags & ExtentInline) != 0 ? null : (0, physical / BlockSize + i));
            }
        });
        _text.Add(path, "blocks" + _sharing.EndFile());
    }
}
