using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;

namespace Btrfs.LoopTests.Reading;

/// <summary>What the host's kernel shows of a tree of files. Names are bytes, so nothing of the runtime's file calls serves.</summary>
internal static unsafe partial class HostTree
{
    private const int NoFollow = 0x100;
    private const uint BasicAndBirth = 0xFFF;
    private const int StatSize = 256;
    private const int ListSize = 64 * 1024;
    private const int FixedEntrySize = 19;

    /// <summary>All paths below an open directory, directories before what is in them.</summary>
    public static List<(string Path, SeenInode Inode)> Walk(int directory)
    {
        // Opened anew: btrfs lists only what was there when the descriptor was opened.
        using Descriptor top = new(KernelException.Check(Syscall.Open(directory, "."u8, Syscall.OpenReadOnly | Syscall.OpenDirectory), "open a directory"));
        List<(string, SeenInode)> found = [];
        Walk(top.Value, "", found);
        return found;
    }

    private static void Walk(int directory, string path, List<(string, SeenInode)> found)
    {
        foreach (byte[] name in Names(directory))
        {
            string child = $"{path}/{Encoding.Latin1.GetString(name)}";
            SeenInode inode = Look(directory, name);
            found.Add((child, inode));
            if (!InodeMode.IsDirectory(inode.Mode))
                continue;
            using Descriptor below = new(KernelException.Check(Syscall.Open(directory, name, Syscall.OpenReadOnly | Syscall.OpenDirectory | Syscall.OpenNoFollow), $"open {child}"));
            Walk(below.Value, child, found);
        }
    }

    private static List<byte[]> Names(int directory)
    {
        List<byte[]> names = [];
        byte[] buffer = new byte[ListSize];
        while (true)
        {
            nint length;
            fixed (byte* start = buffer)
                length = GetDirectoryEntries(directory, start, buffer.Length);
            if (length <= 0)
                return length == 0 ? names : throw new KernelException("list a directory", Marshal.GetLastPInvokeError());

            // struct linux_dirent64: inode, offset, the record's length 16 bytes in, type, then the name with a null byte.
            for (ReadOnlySpan<byte> rest = buffer.AsSpan(0, (int)length); !rest.IsEmpty; rest = rest[BinaryPrimitives.ReadUInt16LittleEndian(rest[16..])..])
            {
                ReadOnlySpan<byte> name = rest[FixedEntrySize..];
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    names.Add(name.ToArray());
            }
        }
    }

    private static SeenInode Look(int directory, byte[] name)
    {
        byte[] stat = new byte[StatSize];
        fixed (byte* text = (byte[])[.. name, 0], result = stat)
            KernelException.Check(Libc.Statx(directory, text, NoFollow, BasicAndBirth, result), $"look at {Encoding.Latin1.GetString(name)}");

        // struct statx, whose layout is the same everywhere.
        uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(stat.AsSpan(offset));
        ulong U64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(stat.AsSpan(offset));
        DiskTime Time(int offset) => new((long)U64(offset), U32(offset + 8));
        SeenInode inode = new()
        {
            Inode = U64(32),
            Mode = BinaryPrimitives.ReadUInt16LittleEndian(stat.AsSpan(28)),
            Links = U32(16),
            Uid = U32(20),
            Gid = U32(24),
            Size = U64(40),
            Blocks = U64(48),
            Device = (U32(128), U32(132)),
            Times = [Time(64), Time(112), Time(96), Time(80)],
        };
        byte[] path = [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{directory}/"), .. name, 0];
        ReadXattrs(path, inode);
        if (InodeMode.IsSymbolicLink(inode.Mode))
            inode.Content = ReadLink(directory, name);
        if (InodeMode.IsRegular(inode.Mode))
            inode.Content = HashFile(directory, name);
        return inode;
    }

    private static string ReadLink(int directory, byte[] name)
    {
        byte[] target = new byte[4096];
        fixed (byte* text = (byte[])[.. name, 0], result = target)
        {
            int length = KernelException.Check((int)ReadLinkAt(directory, text, result, target.Length), "read a link");
            return Encoding.Latin1.GetString(target, 0, length);
        }
    }

    private static string HashFile(int directory, byte[] name)
    {
        using Descriptor file = new(KernelException.Check(Syscall.Open(directory, name, Syscall.OpenReadOnly | Syscall.OpenNoFollow), "open a file"));
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        long offset = 0;
        for (int length; (length = KernelException.Check(Syscall.Read(file.Value, buffer, offset), "read a file")) > 0; offset += length)
            hash.AppendData(buffer, 0, length);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void ReadXattrs(byte[] path, SeenInode inode)
    {
        byte[] names = new byte[ListSize];
        byte[] value = new byte[ListSize];
        fixed (byte* text = path, list = names, result = value)
        {
            nint length = ListXattr(text, list, names.Length);
            for (ReadOnlySpan<byte> rest = names.AsSpan(0, Math.Max((int)length, 0)); !rest.IsEmpty;)
            {
                int end = rest.IndexOf((byte)0);
                byte[] name = [.. rest[..(end + 1)]];
                rest = rest[(end + 1)..];
                int size;
                fixed (byte* key = name)
                    size = KernelException.Check((int)GetXattr(text, key, result, value.Length), "read an attribute");
                inode.Xattrs.Add((name[..^1], value[..size]));
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint GetDirectoryEntries(int directory, byte* buffer, nint size);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint ReadLinkAt(int directory, byte* path, byte* buffer, nint size);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint ListXattr(byte* path, byte* list, nint size);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint GetXattr(byte* path, byte* name, byte* value, nint size);
}
