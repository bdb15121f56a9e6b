using System.Runtime.InteropServices;

namespace Btrfs.Interop;

/// <summary>A write failed because the device or the file system that holds the file is full (ENOSPC, EDQUOT).</summary>
public sealed class DeviceFullException : IOException
{
    public DeviceFullException(string message, int errno)
        : base(message, errno)
    {
    }
}

/// <summary>A file can't be opened as its only writer, because another has it: a program, or the kernel with a mount (EBUSY, EAGAIN).</summary>
public sealed class DeviceBusyException : IOException
{
    public DeviceBusyException(string message, int errno)
        : base(message, errno)
    {
    }
}

/// <summary>The one place where an errno becomes an exception. <see cref="Exception.HResult"/> of an <see cref="IOException"/> is the errno.</summary>
internal static class NativeErrors
{
    internal const int Permission = 1;
    internal const int NoEntry = 2;
    internal const int InputOutput = 5;
    internal const int TooBig = 7;
    internal const int Again = 11;
    internal const int NoMemory = 12;
    internal const int AccessDenied = 13;
    internal const int Busy = 16;
    internal const int NotDirectory = 20;
    internal const int IsDirectory = 21;
    internal const int InvalidArgument = 22;
    internal const int NoSpace = 28;
    internal const int BadMessage = 74;
    internal const int QuotaExceeded = 122;

    /// <param name="errno">Positive.</param>
    /// <param name="action">What was tried, as in "cannot {action} '{path}'".</param>
    /// <param name="path">The file it was tried on.</param>
    internal static Exception ToException(int errno, string action, string path)
    {
        string text = Marshal.GetPInvokeErrorMessage(errno);
        string message = $"cannot {action} '{path}': {char.ToLowerInvariant(text[0])}{text.AsSpan(1)}";
        return errno switch
        {
            NoEntry or NotDirectory => new FileNotFoundException(message, path),
            Permission or AccessDenied => new UnauthorizedAccessException(message),
            NoMemory => new InsufficientMemoryException(message),
            Busy or Again => new DeviceBusyException(message, errno),
            NoSpace or QuotaExceeded => new DeviceFullException(message, errno),
            _ => new IOException(message, errno),
        };
    }

    /// <summary>The errno behind an exception of the base library's file functions.</summary>
    internal static int ErrnoOf(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => NoEntry,
        UnauthorizedAccessException => AccessDenied,

        // The base library keeps a raw errno in HResult where it knows no better type.
        { HResult: > 0 and < 4096 } => exception.HResult,
        _ => InputOutput,
    };
}
