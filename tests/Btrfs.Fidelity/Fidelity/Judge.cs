using System.Text;
using Btrfs.Fidelity.Generator;

namespace Btrfs.Fidelity;

/// <summary>Holds the streams of a send under test against the kernel's recordings.</summary>
internal static class Judge
{
    private const int ContextCommands = 4;
    private const int LongestReportedStream = 1 << 30;

    /// <summary>Compares every recording; <paramref name="keepDirectory"/>, if given, receives our side of each difference.</summary>
    public static List<Verdict> Compare(IReadOnlyList<string> images, IEnumerable<Recording> recordings, Func<ISendUnderTest> create, string? keepDirectory = null)
    {
        using ISendUnderTest subject = create();
        subject.Open(images);
        return [.. recordings.Select(recording => CompareOne(subject, recording, keepDirectory))];
    }

    /// <summary>Explains the first difference of two streams by the commands around it.</summary>
    public static string Explain(ReadOnlyMemory<byte> kernel, ReadOnlyMemory<byte> ours)
    {
        int offset = kernel.Span.CommonPrefixLength(ours.Span);
        if (offset == kernel.Length && offset == ours.Length)
            return "equal when sent a second time";
        int version = StreamScanner.Version(kernel.Span);
        StringBuilder text = new();
        text.AppendLine($"first difference at byte {offset} (kernel {kernel.Length}, ours {ours.Length} bytes)");

        Queue<string> before = new();
        string lastPath = "none";
        int index = 0;
        foreach (ScannedCommand command in StreamScanner.Scan(kernel))
        {
            if (command.Offset + 10 + command.Body.Length > offset)
                break;
            before.Enqueue($"  {index,6} both   {command.Describe(version)}");
            if (before.Count > ContextCommands)
                before.Dequeue();
            if (command.PathOf(version) is { } path)
                lastPath = OperationLog.Show(path.Span);
            index++;
        }

        text.AppendLine($"command {index}, last common path {lastPath}");
        foreach (string line in before)
            text.AppendLine(line);
        AppendFollowing(text, "kernel", kernel, index, version);
        AppendFollowing(text, "ours  ", ours, index, version);
        return text.ToString().TrimEnd();
    }

    private static Verdict CompareOne(ISendUnderTest subject, Recording recording, string? keepDirectory)
    {
        string? difference = null;
        try
        {
            using ComparingStream output = new(recording.File);
            subject.Send(recording.Request, output);
            if (recording.Errno != 0)
                difference = $"the kernel refuses with errno {recording.Errno}, ours sends {output.Length} bytes";
            else if (!output.IsEqual())
                difference = ExplainAgain(subject, recording, keepDirectory);
        }
        // Whatever the subject throws is its answer; the next request is judged all the same.
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            if (recording.Errno == 0)
                difference = $"ours fails where the kernel sends {recording.LengthBytes} bytes: {error}";
        }

        return new Verdict(recording.Request, recording.Errno, recording.LengthBytes, difference);
    }

    // Ours was compared on the fly and not kept: for the report it is sent once more.
    private static string ExplainAgain(ISendUnderTest subject, Recording recording, string? keepDirectory)
    {
        using MemoryStream ours = new();
        subject.Send(recording.Request, ours);
        if (keepDirectory is not null)
        {
            Directory.CreateDirectory(keepDirectory);
            File.WriteAllBytes(Path.Combine(keepDirectory, Path.GetFileName(recording.File) + ".ours"), ours.ToArray());
        }

        if (recording.LengthBytes > LongestReportedStream)
            return $"different, and too long to explain ({recording.LengthBytes} bytes)";
        return Explain(File.ReadAllBytes(recording.File), ours.ToArray());
    }

    private static void AppendFollowing(StringBuilder text, string side, ReadOnlyMemory<byte> stream, int index, int version)
    {
        int current = index;
        foreach (ScannedCommand command in StreamScanner.Scan(stream).Skip(index).Take(ContextCommands))
            text.AppendLine($"  {current++,6} {side} {command.Describe(version)}");
        if (current == index)
            text.AppendLine($"  {index,6} {side} (end of stream)");
    }
}
