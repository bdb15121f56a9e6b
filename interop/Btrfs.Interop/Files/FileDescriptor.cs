using Microsoft.Win32.SafeHandles;

namespace Btrfs.Interop;

/// <summary>Owns a descriptor of the native library, and keeps the error of its close for the owner to report.</summary>
internal sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    internal FileDescriptor(int fd)
        : base(ownsHandle: true)
    {
        SetHandle(fd);
    }

    /// <summary>The errno of the close, or 0.</summary>
    internal int CloseError { get; private set; }

    protected override bool ReleaseHandle()
    {
        CloseError = -NativeMethods.btrn_close((int)handle);
        return CloseError == 0;
    }
}
