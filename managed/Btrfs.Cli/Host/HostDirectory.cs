using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Cli.Host;

/// <summary>
/// An open directory of the host and what can be made in it. Names are bytes and always one part of a path, nothing that exists is replaced, and symbolic
/// links are not followed: whatever an image holds, nothing outside of the directory is touched.
/// </summary>
internal sealed unsafe class HostDirectory : IDisposable
{
    private const int DirectoryFlags = HostCalls.OpenReadOnly | HostCalls.OpenDirectory | HostCalls.OpenNoFollow | HostCalls.OpenCloseOnExec;
    private const int NewFileFlags = HostCalls.OpenWriteOnly | HostCalls.OpenCreate | HostCalls.OpenExclusive | HostCalls.OpenNoFollow | HostCalls.OpenCloseOnExec;
    private const uint OwnerOnlyDirectory = 0x1C0;
    private const uint OwnerOnlyFile = 0x180;

    private readonly SafeFileHandle _handle;

    private HostDirectory(int descriptor) => _handle = new SafeFileHandle(descriptor, ownsHandle: true);

    private int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Opens a directory that the user named.</summary>
    /// <exception cref="IOException">There is none, or it can't be opened.</exception>
    public static HostDirectory Open(string path)
    {
        fixed (byte* text = HostCalls.Terminated(Encoding.UTF8.GetBytes(path)))
        {
            int descriptor = HostCalls.OpenAt(HostCalls.CurrentDirectory, text, DirectoryFlags & ~HostCalls.OpenNoFollow, 0);
            return descriptor >= 0 ? new HostDirectory(descriptor) : throw new IOException($"cannot open '{path}': {HostCalls.LastReason()}");
        }
    }

    /// <summary>Opens the directory above.</summary>
    public HostDirectory OpenAbove() => OpenNamed(".."u8);

    /// <summary>Makes a directory, for its owner only until its attributes are set, and opens it.</summary>
    public HostDirectory MakeDirectory(ReadOnlySpan<byte> name)
    {
        Require(name);
        fixed (byte* text = HostCalls.Terminated(name))
            Check(HostCalls.MkdirAt(Descriptor, text, OwnerOnlyDirectory), name);
        return OpenNamed(name);
    }

    /// <summary>Makes a file, for its owner only until its attributes are set.</summary>
    public SafeFileHandle MakeFile(ReadOnlySpan<byte> name)
    {
        Require(name);
        fixed (byte* text = HostCalls.Terminated(name))
            return new SafeFileHandle(Check(HostCalls.OpenAt(Descriptor, text, NewFileFlags, OwnerOnlyFile), name), ownsHandle: true);
    }

    /// <summary>Makes a device node, fifo or socket. The device number has the form that the C library gives it.</summary>
    public void MakeNode(ReadOnlySpan<byte> name, uint mode, ulong device)
    {
        Require(name);
        fixed (byte* text = HostCalls.Terminated(name))
            Check(HostCalls.MknodAt(Descriptor, text, mode, device), name);
    }

    public void MakeSymbolicLink(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target)
    {
        Require(name);
        fixed (byte* text = HostCalls.Terminated(name), to = HostCalls.Terminated(target))
            Check(HostCalls.SymlinkAt(to, Descriptor, text), name);
    }

    /// <summary>Gives a file a second name.</summary>
    /// <param name="name">The new name, here.</param>
    /// <param name="from">The directory that <paramref name="path"/> begins at.</param>
    /// <param name="path">A name that it has.</param>
    public void MakeLink(ReadOnlySpan<byte> name, HostDirectory from, ReadOnlySpan<byte> path)
    {
        Require(name);
        fixed (byte* text = HostCalls.Terminated(name), existing = HostCalls.Terminated(path))
            Check(HostCalls.LinkAt(from.Descriptor, existing, Descriptor, text, 0), name);
    }

    public void RemoveFile(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = HostCalls.Terminated(name))
            Check(HostCalls.UnlinkAt(Descriptor, text, 0), name);
    }

    public void SetOwner(ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        fixed (byte* text = HostCalls.Terminated(name))
            Check(HostCalls.FchownAt(Descriptor, text, uid, gid, HostCalls.NoFollow), name);
    }

    /// <param name="name">No symbolic link: those have no mode.</param>
    /// <param name="mode">The permissions.</param>
    public void SetMode(ReadOnlySpan<byte> name, uint mode)
    {
        fixed (byte* text = HostCalls.Terminated(name))
            Check(HostCalls.FchmodAt(Descriptor, text, mode, 0), name);
    }

    public void SetTimes(ReadOnlySpan<byte> name, (long Seconds, uint Nanoseconds) access, (long Seconds, uint Nanoseconds) change)
    {
        long* times = stackalloc long[4] { access.Seconds, access.Nanoseconds, change.Seconds, change.Nanoseconds };
        fixed (byte* text = HostCalls.Terminated(name))
            Check(HostCalls.UtimensAt(Descriptor, text, times, HostCalls.NoFollow), name);
    }

    /// <summary>False where the host's file system or the user's rights don't allow it.</summary>
    public bool TrySetXattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> xattr, ReadOnlySpan<byte> value)
    {
        byte[] path = [.. Encoding.ASCII.GetBytes($"/proc/self/fd/{Descriptor}/"), .. name, 0];
        fixed (byte* text = path, key = HostCalls.Terminated(xattr), data = value)
            return HostCalls.SetXattr(text, key, data, value.Length, 0) == 0;
    }

    public void Dispose() => _handle.Dispose();

    private HostDirectory OpenNamed(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = HostCalls.Terminated(name))
            return new HostDirectory(Check(HostCalls.OpenAt(Descriptor, text, DirectoryFlags, 0), name));
    }

    // The checks of blocks let no such name through; that nothing is written elsewhere must not hang on that alone.
    private static void Require(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.ContainsAny((byte)'/', (byte)0) || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            throw new IOException($"refusing to make '{Encoding.UTF8.GetString(name)}': not a name");
    }

    private static int Check(int result, ReadOnlySpan<byte> name) =>
        result >= 0 ? result : throw new IOException($"cannot make '{Encoding.UTF8.GetString(name)}': {HostCalls.LastReason()}");
}
