namespace Btrfs.Cli.Commands.Inspect;

/// <summary>The names of the set bits of a word, in the order of a table, joined by '|'. Bits without a name are passed over.</summary>
/// <param name="Value">The word.</param>
/// <param name="Table">A mask and its name each.</param>
/// <param name="None">What stands where no bit has a name.</param>
internal readonly record struct BitNames(ulong Value, (ulong Mask, string Name)[] Table, string None = "")
{
    public override string ToString()
    {
        string? text = null;
        foreach ((ulong mask, string name) in Table)
        {
            if ((Value & mask) != 0)
                text = text is null ? name : $"{text}|{name}";
        }

        return text ?? None;
    }
}
