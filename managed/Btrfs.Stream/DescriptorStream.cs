using System.IO.Pipes;
using System.Runtime.InteropServices;
using Btrfs.Interop;

namespace Btrfs.Stream;

/// <summary>
/// A stream that is no more than a descriptor of the host: what is written is in the descriptor when <see cref="System.IO.Stream.Write(ReadOnlySpan{byte})"/> returns. A send then hands pages to a pipe instead of
/// copying them. <see cref="FileStream"/> and <see cref="PipeStream"/> are known without it.
/// </summary>
public abstract class DescriptorStream : WriteOnlyStream
{
    /// <summary>Where the bytes go.</summary>
    public abstract SafeHandle Descriptor { get; }

    /// <summary>The descriptor below a stream; null where none is known, or its bytes don't go there as they are.</summary>
    public static SafeHandle? TryFind(System.IO.Stream stream) => stream switch
    {
        DescriptorStream known => known.Descriptor,
        // A subclass may do anything with what is written to it.
        FileStream file when file.GetType() == typeof(FileStream) => file.SafeFileHandle,
        AnonymousPipeServerStream pipe => pipe.SafePipeHandle,
        AnonymousPipeClientStream pipe => pipe.SafePipeHandle,
        _ => null,
    };
}
