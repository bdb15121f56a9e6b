namespace Btrfs.Cli.Host;

/// <summary>Lines for a person, on standard error. Messages carry names from images, so control characters are made harmless.</summary>
internal static class ErrorOutput
{
    private static int s_progressWidth;

    public static bool IsTerminal => !Console.IsErrorRedirected;

    public static void WriteLine(string line)
    {
        ClearProgress();
        Console.Error.WriteLine(Harmless(line));
    }

    /// <summary>Shows a line that the next one replaces. Only for a terminal.</summary>
    public static void ShowProgress(string text)
    {
        string line = Harmless(text);
        Console.Error.Write($"\r{line.PadRight(s_progressWidth)}");
        s_progressWidth = line.Length;
    }

    public static void ClearProgress()
    {
        if (s_progressWidth == 0)
            return;
        Console.Error.Write($"\r{new string(' ', s_progressWidth)}\r");
        s_progressWidth = 0;
    }

    private static string Harmless(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter)) : text;
}
