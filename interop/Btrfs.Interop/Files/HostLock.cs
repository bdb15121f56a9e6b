using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Btrfs.Interop;

/// <summary>
/// The exclusive opening of the managed twin, by the same calls of the C library that the native library makes: the base library's own locks are of another
/// kind, so that the twins would not see each other's. The numbers are those of 64-bit Linux on x86 and ARM.
/// </summary>
internal static unsafe partial class HostLock
{
    private const int OpenReadWrite = 2;
    private const int OpenExclusively = 0x80;
    private const int OpenNonBlocking = 0x800;
    private const int OpenCloseOnExec = 0x80000;
    private const int SetDescriptionLock = 37;
    private const short WriteLock = 1;

    /// <exception cref="IOException">The errno is its <see cref="Exception.HResult"/>.</exception>
    internal static SafeFileHandle OpenExclusive(string path)
    {
        int fd;
        fixed (byte* text = Encoding.UTF8.GetBytes(path + '\0'))
        {
            fd = Open(text, OpenReadWrite | OpenExclusively | OpenNonBlocking | OpenCloseOnExec, 0);
        }

        if (fd < 0)
        {
            throw new IOException(path, Marshal.GetLastPInvokeError());
        }

        SafeFileHandle handle = new(fd, ownsHandle: true);
        WholeFile whole = new() { Type = WriteLock };
        if (Control(fd, SetDescriptionLock, &whole) < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            handle.Dispose();
            throw new IOException(path, errno);
        }

        return handle;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int Open(byte* path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int fd, int command, WholeFile* lockRange);

    /// <summary>struct flock: from 0 to the end where all but the type is zero.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct WholeFile
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }
}
