using System.Text;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;

namespace Btrfs.LoopTests.Reading;

/// <summary>
/// Fills a mounted btrfs with one of everything that a reader can meet: inode types, names, links beyond one item, xattrs, extents of all kinds,
/// subvolumes in all relations. What a format can't hold (many hard links without extended references) it leaves out.
/// </summary>
internal sealed class RichContent
{
    private const uint RegularMode = 0x1A4;
    private const uint DirectoryMode = 0x1ED;
    private const int Megabyte = 1 << 20;

    private readonly int _root;
    private readonly Random _random = new(7);

    private RichContent(int root) => _root = root;

    /// <param name="root">The open top-level directory.</param>
    public static void Make(int root)
    {
        RichContent content = new(root);
        using (Descriptor tree = Directory(root, "tree"u8))
        {
            content.Inodes(tree.Value);
            content.Names(tree.Value);
            content.Attributes(tree.Value);
            content.Extents(tree.Value);
            content.Compressed(tree.Value);
        }

        content.Subvolumes();
        Check(Syscall.SyncFileSystem(root));
        Check(BtrfsIoctl.Sync(root));
    }

    private void Inodes(int at)
    {
        Check(Syscall.Mknod(at, "fifo"u8, Syscall.ModeFifo | RegularMode, 0));
        Check(Syscall.Mknod(at, "socket"u8, Syscall.ModeSocket | RegularMode, 0));
        Check(Syscall.Mknod(at, "char"u8, Syscall.ModeCharacter | RegularMode, (1 << 8) | 3));
        Check(Syscall.Mknod(at, "block"u8, Syscall.ModeBlock | RegularMode, (259UL << 8) | 0x45 | (0x123UL << 20)));
        Check(Syscall.Symlink("../somewhere/else"u8, at, "link"u8));
        Check(Syscall.Symlink(Bytes(1500, 'l'), at, "longlink"u8));
        Put(at, "empty"u8, []);
        Put(at, "modes"u8, [1]);
        Check(Syscall.Chown(at, "modes"u8, 4_000_000_000, 70_000));
        Check(Syscall.Chmod(at, "modes"u8, 0xE49));
        Check(Syscall.SetTimes(at, "modes"u8, -1_000_000_000, 999_999_999, 9_000_000_000, 1));
        Put(at, "ancient"u8, []);
        Check(Syscall.SetTimes(at, "ancient"u8, -1_000_000_000, 0, 10_000_000_000, 0));
        using Descriptor sticky = Directory(at, "sticky"u8);
        Check(Syscall.Chmod(at, "sticky"u8, 0x3FF));
    }

    private void Names(int at)
    {
        using Descriptor names = Directory(at, "names"u8);
        Put(names.Value, Bytes(255, 'n'), [1]);
        Put(names.Value, [0xFF, 0xFE, (byte)'x', 0x80], [2]);
        Put(names.Value, "new\nline\ttab"u8, [3]);
        Put(names.Value, "räksmörgås 漢字"u8, [4]);
        (byte[] first, byte[] second) = Collision();
        Put(names.Value, first, [5]);
        Put(names.Value, second, [6]);
        Check(Syscall.Rename(names.Value, "new\nline\ttab"u8, names.Value, " "u8, 0));

        using Descriptor many = Directory(at, "many"u8);
        for (int i = 0; i < 300; i++)
            Put(many.Value, Encoding.ASCII.GetBytes($"file{i}"), []);
        for (int i = 0; i < 300; i += 3)
            Check(Syscall.Unlink(many.Value, Encoding.ASCII.GetBytes($"file{i}")));

        using Descriptor links = Directory(at, "links"u8);
        Put(links.Value, "linked"u8, Content(5000));
        for (int i = 0; i < 330; i++)
        {
            // Without extended references the names of an inode in one directory must fit one item.
            if (Syscall.Link(links.Value, "linked"u8, links.Value, [.. Bytes(200, 'k'), .. Encoding.ASCII.GetBytes($"{i}")]) < 0)
                break;
        }

        Check(Syscall.Link(links.Value, "linked"u8, at, "linked"u8));
        using Descriptor deep = Directory(names.Value, "deep"u8);
        using Descriptor deeper = Directory(deep.Value, "deeper"u8);
        Check(Syscall.Link(links.Value, "linked"u8, deeper.Value, "linked"u8));
    }

    private void Attributes(int at)
    {
        using Descriptor file = File(at, "attributes"u8, [1, 2, 3]);
        (byte[] first, byte[] second) = Collision();
        Check(Syscall.SetXattr(file.Value, [.. "user."u8, .. first], "same hash"u8));
        Check(Syscall.SetXattr(file.Value, [.. "user."u8, .. second], "same hash too"u8));
        Check(Syscall.SetXattr(file.Value, "user.empty"u8, default));
        Check(Syscall.SetXattr(file.Value, "user.long"u8, Content(2500)));
        Check(Syscall.SetXattr(file.Value, "trusted.key"u8, "value"u8));
        // Version 2: owner rw, user 1234 r, group r, mask r, others nothing.
        byte[] acl = Convert.FromHexString("02000000" + "01000600ffffffff" + "02000400d2040000" + "04000400ffffffff" + "10000400ffffffff" + "20000000ffffffff");
        Check(Syscall.SetXattr(file.Value, "system.posix_acl_access"u8, acl));
        // Revision 2, effective: permitted is CAP_NET_RAW.
        Check(Syscall.SetXattr(file.Value, "security.capability"u8, Convert.FromHexString("0100000200200000" + "00000000" + "0000000000000000")));
        using Descriptor directory = Directory(at, "defaults"u8);
        Check(Syscall.SetXattr(directory.Value, "system.posix_acl_default"u8, acl));
        Put(directory.Value, "inherits"u8, [1]);
    }

    private void Extents(int at)
    {
        Put(at, "inline"u8, Content(1000));
        using Descriptor random = File(at, "random"u8, Content(3 * Megabyte + 77));
        Flush(random);
        // Overwritten in the middle: what was there stays on the disk, and both ends point into the same extent.
        Check(Syscall.Write(random.Value, Content(70_000), 1_000_000));
        Flush(random);
        Check(Syscall.Allocate(random.Value, Syscall.FallocateKeepSize | Syscall.FallocatePunchHole, 2_000_000, 200_000));

        using Descriptor clone = File(at, "clone"u8, Content(10_000));
        Check(FileIoctl.CloneRange(clone.Value, 65536, random.Value, 4096, 500 * 4096));
        using Descriptor whole = File(at, "whole"u8, []);
        Check(FileIoctl.Clone(whole.Value, random.Value));

        using Descriptor prealloc = File(at, "prealloc"u8, []);
        Check(Syscall.Allocate(prealloc.Value, 0, 0, Megabyte));
        Check(Syscall.Write(prealloc.Value, Content(20_000), 300_000));
        using Descriptor beyond = File(at, "beyond"u8, Content(100));
        Check(Syscall.Allocate(beyond.Value, Syscall.FallocateKeepSize, 0, Megabyte));

        using Descriptor sparse = File(at, "sparse"u8, []);
        Check(Syscall.Truncate(sparse.Value, 8L * Megabyte + 5));
        Check(Syscall.Write(sparse.Value, Content(9000), 5L * Megabyte + 13));
        using Descriptor cut = File(at, "cut"u8, Content(50_000));
        Flush(cut);
        Check(Syscall.Truncate(cut.Value, 4097));
        Check(Syscall.Truncate(cut.Value, 30_000));

        using Descriptor plain = File(at, "nocow"u8, []);
        Check(FileIoctl.SetFlags(plain.Value, FileIoctl.NoCopyOnWrite));
        Check(Syscall.Write(plain.Value, Content(150_001), 0));
    }

    private void Compressed(int at)
    {
        foreach (string algorithm in (string[])["zlib", "lzo", "zstd"])
        {
            byte[] text = Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Range(0, 60_000).Select(i => $"{algorithm} {i}")));
            using Descriptor large = Compressing(at, algorithm, algorithm);
            Check(Syscall.Write(large.Value, text, 0));
            Flush(large);
            // Bookends of compressed extents, and a clone that begins inside one.
            Check(Syscall.Write(large.Value, Content(5000), 200_000));
            Flush(large);
            using Descriptor clone = File(at, Encoding.ASCII.GetBytes($"{algorithm}-clone"), []);
            Check(FileIoctl.CloneRange(clone.Value, 0, large.Value, 65536, 40 * 4096));
            using Descriptor small = Compressing(at, $"{algorithm}-inline", algorithm);
            Check(Syscall.Write(small.Value, text.AsSpan(0, 1800), 0));
        }
    }

    // Snapshots with what hangs below left behind, a snapshot in a snapshot, one deleted again, and another default.
    private void Subvolumes()
    {
        using Descriptor volume = Subvolume(_root, "volume"u8);
        Put(volume.Value, "file"u8, Content(100_000));
        using Descriptor directory = Directory(volume.Value, "directory"u8);
        using Descriptor nested = Subvolume(directory.Value, "nested"u8);
        Put(nested.Value, "inside"u8, Content(5));
        using Descriptor deepest = Subvolume(nested.Value, "deepest"u8);
        Put(deepest.Value, "bottom"u8, Content(6));
        Check(BtrfsIoctl.CreateSnapshot(volume.Value, _root, "snapshot"u8, readOnly: true));
        Check(BtrfsIoctl.CreateSnapshot(_root, directory.Value, "top"u8, readOnly: false));
        Check(Syscall.Rename(directory.Value, "nested"u8, _root, "moved"u8, 0));
        Check(BtrfsIoctl.CreateSnapshot(volume.Value, _root, "deleted"u8, readOnly: false));
        Check(BtrfsIoctl.CreateSnapshot(_root, _root, "holds"u8, readOnly: true));
        Check(BtrfsIoctl.DestroySubvolume(_root, "deleted"u8));
        Check(BtrfsIoctl.SetDefaultSubvolume(_root, BtrfsIoctl.SubvolumeId(volume.Value)));
    }

    private static Descriptor Compressing(int at, string name, string algorithm)
    {
        Descriptor file = File(at, Encoding.ASCII.GetBytes(name), []);
        Check(Syscall.SetXattr(file.Value, "btrfs.compression"u8, Encoding.ASCII.GetBytes(algorithm)));
        return file;
    }

    private static Descriptor File(int at, ReadOnlySpan<byte> name, byte[] content)
    {
        Descriptor file = new(Check(Syscall.Open(at, name, Syscall.OpenReadWrite | Syscall.OpenCreate | Syscall.OpenExclusive, RegularMode)));
        for (int written = 0; written < content.Length;)
            written += Check(Syscall.Write(file.Value, content.AsSpan(written), written));
        return file;
    }

    private static void Put(int at, ReadOnlySpan<byte> name, byte[] content) => File(at, name, content).Dispose();

    private static Descriptor Directory(int at, ReadOnlySpan<byte> name)
    {
        Check(Syscall.Mkdir(at, name, DirectoryMode));
        return new Descriptor(Check(Syscall.Open(at, name, Syscall.OpenReadOnly | Syscall.OpenDirectory)));
    }

    private static Descriptor Subvolume(int at, ReadOnlySpan<byte> name)
    {
        Check(BtrfsIoctl.CreateSubvolume(at, name));
        return new Descriptor(Check(Syscall.Open(at, name, Syscall.OpenReadOnly | Syscall.OpenDirectory)));
    }

    private static void Flush(Descriptor file) => Check(Syscall.Fsync(file.Value));

    /// <summary>Two names that share one item, since they hash to the same.</summary>
    private static (byte[] First, byte[] Second) Collision()
    {
        Dictionary<uint, byte[]> seen = [];
        for (int i = 0; ; i++)
        {
            byte[] name = Encoding.ASCII.GetBytes($"collision{i * 2654435761L}");
            if (!seen.TryAdd(NameHash.OfName(name), name))
                return (seen[NameHash.OfName(name)], name);
        }
    }

    private byte[] Content(int length)
    {
        byte[] content = new byte[length];
        _random.NextBytes(content);
        return content;
    }

    private static byte[] Bytes(int count, char letter) => [.. Enumerable.Repeat((byte)letter, count)];

    private static int Check(int result) => KernelException.Check(result, "make content");
}
