using System.Diagnostics;
using System.Globalization;
using Btrfs.Cli.Text;

namespace Btrfs.Cli.Host;

/// <summary>
/// How far something long is, told in bytes: done, percent, rate of the last seconds, time left. On a terminal it is one line that changes; elsewhere a line now and then.
/// </summary>
internal sealed class ProgressLine
{
    private static readonly TimeSpan s_terminalInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_logInterval = TimeSpan.FromSeconds(5);

    // The rate is that since the oldest of these looks, so that it follows what happens and still doesn't jump.
    private const int RememberedLooks = 16;

    private readonly Queue<(TimeSpan At, long Bytes)> _looks = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly bool _isTerminal = ErrorOutput.IsTerminal;
    private readonly string _verb;
    private readonly long? _total;
    private TimeSpan _next;

    /// <param name="verb">What is done to the bytes: "sent", "received".</param>
    /// <param name="totalBytes">How many there will be; null where that is not known.</param>
    /// <param name="startBytes">How many were done before.</param>
    public ProgressLine(string verb, long? totalBytes, long startBytes = 0)
    {
        _verb = verb;
        _total = totalBytes;
        _next = _isTerminal ? s_terminalInterval : s_logInterval;
        _looks.Enqueue((TimeSpan.Zero, startBytes));
    }

    /// <summary>Tells how far it is, when it is time to.</summary>
    /// <param name="bytes">Done so far.</param>
    /// <param name="detail">What is at work, asked only when it is told.</param>
    public void Report(long bytes, Func<string>? detail = null)
    {
        TimeSpan now = _clock.Elapsed;
        if (now < _next)
            return;

        _next = now + (_isTerminal ? s_terminalInterval : s_logInterval);
        string line = Describe(now, bytes);
        if (detail is not null)
            line += $", {detail()}";
        if (_isTerminal)
            ErrorOutput.ShowProgress(line);
        else
            ErrorOutput.WriteLine(line);

        _looks.Enqueue((now, bytes));
        if (_looks.Count > RememberedLooks)
            _looks.Dequeue();
    }

    /// <summary>Takes the line away, on a terminal.</summary>
    public static void Finish() => ErrorOutput.ClearProgress();

    /// <summary>The line, for a moment and a number of bytes done.</summary>
    internal string Describe(TimeSpan now, long bytes)
    {
        (TimeSpan since, long before) = _looks.Peek();
        double rate = (bytes - before) / Math.Max((now - since).TotalSeconds, 0.001);
        string done = $"{ByteSize.Human(bytes)} {_verb}";
        if (_total is not { } total)
            return $"{done}, {ByteSize.Human((long)rate)}/s";

        double percent = total == 0 ? 100 : Math.Min(100.0 * bytes / total, 100);
        string left = rate < 1 ? "unknown" : Duration(TimeSpan.FromSeconds(Math.Min(Math.Max(total - bytes, 0) / rate, TimeSpan.MaxValue.TotalSeconds / 2)));
        return string.Create(CultureInfo.InvariantCulture, $"{done} of {ByteSize.Human(total)} ({percent:F1}%), {ByteSize.Human((long)rate)}/s, {left} left");
    }

    private static string Duration(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time.Minutes:D2}:{time.Seconds:D2}");
}
