using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Crash.Models;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;

namespace Btrfs.Crash.Kernel;

/// <summary>Reads all that is below a mount point, as the kernel shows it.</summary>
internal static unsafe partial class MountedTree
{
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const uint AllBasics = 0x7FF;
    private const int EmptySubvolumeInode = 2;

    /// <summary>By path, the top being "".</summary>
    public static IReadOnlyDictionary<string, FileEntry> Read(string mountPoint)
    {
        Dictionary<string, FileEntry> entries = [];
        Add(entries, mountPoint, "");
        return entries;
    }

    private static void Add(Dictionary<string, FileEntry> entries, string place, string path)
    {
        FileEntry entry = Stat(place);
        if (entry.Inode == EmptySubvolumeInode)
            return;

        string content = "";
        if (InodeMode.IsRegular(entry.Mode))
        {
            using FileStream file = File.OpenRead(place);
            content = Convert.ToHexString(SHA256.HashData(file));
        }
        else if (InodeMode.IsSymbolicLink(entry.Mode))
        {
            content = new FileInfo(place).LinkTarget!;
        }

        entries.Add(path, entry with { Content = content, Xattrs = FileEntry.Describe(Xattrs(place)) });
        if (!entry.IsDirectory)
            return;

        foreach (string name in Directory.EnumerateFileSystemEntries(place).Select(Path.GetFileName).ToArray()!)
            Add(entries, $"{place}/{name}", path.Length == 0 ? name : $"{path}/{name}");
    }

    private static FileEntry Stat(string place)
    {
        Span<byte> stat = stackalloc byte[256];
        fixed (byte* text = Terminated(place), result = stat)
            KernelException.Check(Libc.Statx(CurrentDirectory, text, NoFollow, AllBasics, result) < 0 ? -Marshal.GetLastPInvokeError() : 0, $"stat {place}");

        return new FileEntry(
            BinaryPrimitives.ReadUInt64LittleEndian(stat[32..]),
            BinaryPrimitives.ReadUInt16LittleEndian(stat[28..]),
            BinaryPrimitives.ReadUInt32LittleEndian(stat[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(stat[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(stat[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(stat[40..]),
            Time(stat[112..]),
            Time(stat[96..]),
            "",
            "");
    }

    private static Int128 Time(ReadOnlySpan<byte> time) =>
        FileEntry.Nanoseconds(BinaryPrimitives.ReadInt64LittleEndian(time), BinaryPrimitives.ReadUInt32LittleEndian(time[8..]));

    private static List<(byte[] Name, byte[] Value)> Xattrs(string place)
    {
        byte[] names = new byte[65536];
        byte[] value = new byte[65536];
        List<(byte[] Name, byte[] Value)> xattrs = [];
        fixed (byte* text = Terminated(place), list = names, bytes = value)
        {
            int length = KernelException.Check(Result(ListXattr(text, list, names.Length)), $"list xattrs of {place}");
            for (int start = 0; start < length;)
            {
                int end = names.AsSpan(start).IndexOf((byte)0) + start;
                int size = KernelException.Check(Result(GetXattr(text, list + start, bytes, value.Length)), $"read an xattr of {place}");
                xattrs.Add((names[start..end], value[..size]));
                start = end + 1;
            }
        }

        return xattrs;
    }

    private static int Result(nint result) => result >= 0 ? (int)result : -Marshal.GetLastPInvokeError();

    private static byte[] Terminated(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint ListXattr(byte* path, byte* list, nint size);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint GetXattr(byte* path, byte* name, byte* value, nint size);
}
