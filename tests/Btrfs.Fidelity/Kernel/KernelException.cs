using System.Runtime.InteropServices;

namespace Btrfs.Fidelity.Kernel;

/// <summary>A system call that the judge cannot do without has failed.</summary>
public sealed class KernelException : Exception
{
    /// <summary>Names what failed and gives the kernel's reason.</summary>
    public KernelException(string what, int errno)
        : base($"{what}: {Marshal.GetPInvokeErrorMessage(errno).ToLowerInvariant()} (errno {errno})") => Errno = errno;

    /// <summary>The positive error number.</summary>
    public int Errno { get; }

    /// <summary>Passes a result through, or throws where it is a negated error number.</summary>
    internal static int Check(int result, string what) =>
        result >= 0 ? result : throw new KernelException(what, -result);
}
