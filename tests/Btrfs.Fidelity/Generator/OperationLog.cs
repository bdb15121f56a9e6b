using System.Text;

namespace Btrfs.Fidelity.Generator;

/// <summary>What was asked of the kernel and what it answered, one line an operation: for a person who debugs a difference.</summary>
internal sealed class OperationLog
{
    private readonly StringBuilder _text = new();

    /// <summary>How often each kind of operation worked and was refused, and other events worth a count.</summary>
    public Coverage Coverage { get; } = new();

    public void Note(string text) => _text.AppendLine(text);

    public void Call(string what, int result)
    {
        _text.Append(what).Append(result < 0 ? $" = -{-result}" : " = ok").AppendLine();
        int space = what.IndexOf(' ');
        Coverage.Count($"operation {what[..(space < 0 ? what.Length : space)]} {(result < 0 ? $"refused {-result}" : "done")}");
    }

    /// <summary>A name with everything but printable ASCII escaped, and long runs cut.</summary>
    public static string Show(ReadOnlySpan<byte> name)
    {
        StringBuilder text = new();
        foreach (byte value in name[..Math.Min(name.Length, 40)])
            text.Append(value is > 32 and < 127 and not (byte)'\\' ? ((char)value).ToString() : $"\\x{value:x2}");
        if (name.Length > 40)
            text.Append($"...({name.Length})");
        return text.ToString();
    }

    public override string ToString() => _text.ToString();
}
