using Microsoft.Win32.SafeHandles;

namespace Btrfs.Fidelity.Kernel;

/// <summary>An open file descriptor: closed exactly once, also when its owner forgets it.</summary>
internal sealed class Descriptor : SafeHandleMinusOneIsInvalid
{
    public Descriptor(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    public int Value => (int)handle;

    protected override bool ReleaseHandle() => Libc.Close((int)handle) == 0;
}
