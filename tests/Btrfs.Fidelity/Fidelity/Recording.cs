using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity;

/// <summary>What the kernel answered to a request: a stream in a file, or an error number.</summary>
/// <param name="Request">The request.</param>
/// <param name="File">The stream; what the kernel wrote before an error is of no interest.</param>
/// <param name="Errno">0, or the positive error number with which the kernel refused.</param>
/// <param name="LengthBytes">Length of the stream, 0 after an error.</param>
internal sealed record Recording(SendRequest Request, string File, int Errno, long LengthBytes)
{
    /// <summary>Asks the kernel for every request in turn; the streams go into <paramref name="directory"/>.</summary>
    public static List<Recording> Collect(int topLevel, IEnumerable<SendRequest> requests, string directory)
    {
        List<Recording> recordings = [];
        foreach (SendRequest request in requests)
        {
            string path = Path.Combine(directory, $"{recordings.Count:d3}.stream");
            using Descriptor output = new(KernelException.Check(
                Syscall.Open(path, Syscall.OpenWriteOnly | Syscall.OpenCreate | Syscall.OpenTruncate, 0x1A4), $"create {path}"));
            int result = KernelSend.Send(topLevel, request, output.Value);
            if (result < 0)
                Syscall.Truncate(output.Value, 0);
            recordings.Add(new Recording(request, path, Math.Max(0, -result), result < 0 ? 0 : new FileInfo(path).Length));
        }

        return recordings;
    }
}
