using System.Runtime.InteropServices;

namespace Btrfs.Interop;

/// <summary>The number of a descriptor that nobody closes meanwhile.</summary>
internal readonly ref struct DescriptorLease
{
    private readonly SafeHandle _handle;

    internal DescriptorLease(SafeHandle handle)
    {
        bool added = false;
        handle.DangerousAddRef(ref added);
        _handle = handle;
    }

    internal int Number => (int)_handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();
}
