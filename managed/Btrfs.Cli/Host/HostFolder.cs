using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Cli.Host;

/// <summary>An open directory of the host that is read. Names are bytes and one part of a path; symbolic links are not followed.</summary>
internal sealed unsafe class HostFolder : IDisposable
{
    private const int DirectoryFlags = HostCalls.OpenReadOnly | HostCalls.OpenDirectory | HostCalls.OpenNoFollow | HostCalls.OpenCloseOnExec;

    // A fifo that came in the place of a file must not hold us up.
    private const int FileFlags = HostCalls.OpenReadOnly | HostCalls.OpenNoFollow | HostCalls.OpenCloseOnExec | 0x800;

    /// <summary>What Linux gives at most: a list of xattr names, or a value.</summary>
    private const int MaxXattr = 65536;
    private const int MaxTarget = 4096;

    // struct linux_dirent64: inode, offset, the record's length, type, then the name with a null byte.
    private const int RecordLengthOffset = 16;
    private const int RecordNameOffset = 19;

    [ThreadStatic]
    private static byte[]? s_buffer;

    private readonly SafeFileHandle _handle;
    private readonly byte[] _procPath;

    private HostFolder(int descriptor)
    {
        _handle = new SafeFileHandle(descriptor, ownsHandle: true);
        _procPath = Encoding.ASCII.GetBytes($"/proc/self/fd/{descriptor}/");
    }

    private int Descriptor => (int)_handle.DangerousGetHandle();

    private static byte[] Buffer => s_buffer ??= new byte[MaxXattr];

    /// <summary>Opens a directory that the user named.</summary>
    /// <exception cref="IOException">There is none, or it can't be opened.</exception>
    public static HostFolder Open(ReadOnlySpan<byte> path)
    {
        fixed (byte* text = HostCalls.Terminated(path))
        {
            int descriptor = HostCalls.OpenAt(HostCalls.CurrentDirectory, text, DirectoryFlags & ~HostCalls.OpenNoFollow, 0);
            return descriptor >= 0 ? new HostFolder(descriptor) : throw Failed("open", path);
        }
    }

    public HostFolder OpenBelow(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = HostCalls.Terminated(name))
        {
            int descriptor = HostCalls.OpenAt(Descriptor, text, DirectoryFlags, 0);
            return descriptor >= 0 ? new HostFolder(descriptor) : throw Failed("open", name);
        }
    }

    public HostFolder OpenAbove() => OpenBelow(".."u8);

    public HostFile OpenFile(ReadOnlySpan<byte> name, HostStatus status)
    {
        fixed (byte* text = HostCalls.Terminated(name))
        {
            int descriptor = HostCalls.OpenAt(Descriptor, text, FileFlags, 0);
            return descriptor >= 0 ? new HostFile(descriptor, status, Encoding.UTF8.GetString(name)) : throw Failed("open", name);
        }
    }

    /// <summary>The names in it, by their bytes: hosts list them in any order.</summary>
    public List<byte[]> ReadNames()
    {
        List<byte[]> names = [];
        byte[] buffer = Buffer;
        while (true)
        {
            nint length;
            fixed (byte* start = buffer)
                length = HostCalls.ReadDirectory(Descriptor, start, buffer.Length);
            if (length < 0)
                throw Failed("list", "."u8);
            if (length == 0)
                break;

            for (ReadOnlySpan<byte> rest = buffer.AsSpan(0, (int)length); !rest.IsEmpty; rest = rest[BinaryPrimitives.ReadUInt16LittleEndian(rest[RecordLengthOffset..])..])
            {
                ReadOnlySpan<byte> name = rest[RecordNameOffset..];
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    names.Add(name.ToArray());
            }
        }

        names.Sort((left, right) => left.AsSpan().SequenceCompareTo(right));
        return names;
    }

    /// <param name="name">Empty for the directory itself.</param>
    public HostStatus GetStatus(ReadOnlySpan<byte> name)
    {
        Span<byte> stat = stackalloc byte[HostCalls.StatSize];
        fixed (byte* text = HostCalls.Terminated(name.IsEmpty ? "."u8 : name), result = stat)
        {
            if (HostCalls.Statx(Descriptor, text, HostCalls.NoFollow, HostStatus.Mask, result) < 0)
                throw Failed("look at", name);
        }

        return HostStatus.Of(stat);
    }

    public byte[] ReadLink(ReadOnlySpan<byte> name)
    {
        Span<byte> target = stackalloc byte[MaxTarget];
        fixed (byte* text = HostCalls.Terminated(name), result = target)
        {
            nint length = HostCalls.ReadLinkAt(Descriptor, text, result, target.Length);
            return length >= 0 ? target[..(int)length].ToArray() : throw Failed("read", name);
        }
    }

    /// <summary>Extended attributes; none where the host's file system has none.</summary>
    /// <param name="name">Empty for the directory itself.</param>
    public List<(byte[] Name, byte[] Value)> ReadXattrs(ReadOnlySpan<byte> name)
    {
        byte[] buffer = Buffer;
        nint length;
        fixed (byte* path = (byte[])[.. _procPath, .. name.IsEmpty ? "."u8 : name, 0])
        {
            fixed (byte* list = buffer)
                length = HostCalls.ListXattr(path, list, buffer.Length);
            if (length <= 0)
                return [];

            byte[] names = buffer[..(int)length];
            List<(byte[] Name, byte[] Value)> found = [];
            for (ReadOnlySpan<byte> rest = names; !rest.IsEmpty;)
            {
                int end = rest.IndexOf((byte)0);
                nint size;
                fixed (byte* key = rest, value = buffer)
                    size = HostCalls.GetXattr(path, key, value, buffer.Length);

                // What went away since it was listed is not there.
                if (size >= 0)
                    found.Add((rest[..end].ToArray(), buffer[..(int)size]));
                rest = rest[(end + 1)..];
            }

            return found;
        }
    }

    public void Dispose() => _handle.Dispose();

    private static IOException Failed(string what, ReadOnlySpan<byte> name)
    {
        string reason = HostCalls.LastReason();
        return new IOException($"cannot {what} '{Encoding.UTF8.GetString(name)}': {reason}");
    }
}
